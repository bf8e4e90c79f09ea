package io.tanuki4j.metrics.tensorboard;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * Removes the points that an earlier run wrote after the checkpoint from which this run resumes.
 * TensorBoard's own message for that knows only one axis, but one file holds curves over samples
 * and over iterations.
 */
final class OldEvents {
  private static final int FRAME_HEAD = Long.BYTES + Integer.BYTES;
  private static final int STEP = 2;
  private static final int SUMMARY = 5;
  private static final int FIRST = 1;
  private static final int TYPE_MASK = 7;
  private static final int TYPE_BITS = 3;

  private OldEvents() {}

  /** Rewrites the files of a folder that have points after an iteration, or after its samples. */
  static void forget(Path folder, long iteration, long samples) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files = all.filter(file -> file.getFileName().toString().contains("tfevents.")).toList();
    }
    for (Path file : files) {
      rewrite(file, iteration, samples);
    }
  }

  private static void rewrite(Path file, long iteration, long samples) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    Path temporary = file.resolveSibling("rewritten." + file.getFileName() + ".tmp");
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(temporary))) {
      while (bytes.remaining() > FRAME_HEAD) {
        int start = bytes.position();
        long length = bytes.getLong(start);
        if (length < 0 || length > bytes.remaining() - FRAME_HEAD - Integer.BYTES) {
          break; // Truncated when its run ended.
        }
        int size = FRAME_HEAD + (int) length + Integer.BYTES;
        if (!isAfter(bytes.slice(start + FRAME_HEAD, (int) length), iteration, samples)) {
          out.write(bytes.array(), start, size);
        }
        bytes.position(start + size);
      }
    }
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private static boolean isAfter(ByteBuffer event, long iteration, long samples) {
    long step = 0;
    String tag = "";
    while (event.hasRemaining()) {
      long key = varint(event);
      int field = (int) (key >>> TYPE_BITS);
      if (field == STEP) {
        step = varint(event);
      } else if (field == SUMMARY) {
        tag = tag(bytes(event));
      } else {
        skip(event, key);
      }
    }
    return step > (tag.endsWith(TensorBoardSink.OVER_SAMPLES) ? samples : iteration);
  }

  /** Returns the tag of a summary's first value. */
  private static String tag(ByteBuffer summary) {
    if (!summary.hasRemaining() || varint(summary) >>> TYPE_BITS != FIRST) {
      return "";
    }
    ByteBuffer value = bytes(summary);
    boolean hasTag = value.hasRemaining() && varint(value) >>> TYPE_BITS == FIRST;
    return hasTag ? StandardCharsets.UTF_8.decode(bytes(value)).toString() : "";
  }

  private static void skip(ByteBuffer message, long key) {
    switch ((int) key & TYPE_MASK) {
      case 0 -> varint(message);
      case 1 -> message.position(message.position() + Long.BYTES);
      case 2 -> bytes(message);
      default -> message.position(message.position() + Integer.BYTES);
    }
  }

  private static ByteBuffer bytes(ByteBuffer message) {
    int size = (int) varint(message);
    ByteBuffer slice = message.slice(message.position(), size);
    message.position(message.position() + size);
    return slice;
  }

  private static long varint(ByteBuffer message) {
    long value = 0;
    int shift = 0;
    byte part;
    do {
      part = message.get();
      value |= (long) (part & 0x7f) << shift;
      shift += 7;
    } while (part < 0);
    return value;
  }
}
