package io.tanuki4j.data.preprocess;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Cuts files into batches of whole lines, one file after the other. */
final class LineBatches implements AutoCloseable {
  static final int BATCH_SIZE = 1 << 18;
  private static final int MAX_BLOCKS = 1 << 12;
  private static final int MIB_BITS = 20;

  private final Iterator<Path> files;
  private @Nullable OpenFile current;
  private long index;
  private long bytesOfClosedFiles;

  LineBatches(List<Path> files) {
    this.files = files.iterator();
  }

  /**
   * Returns the next lines, all from one file; null after the last file.
   *
   * @throws UserException if a file cannot be read; the message says why
   */
  @Nullable LineBatch next() {
    while (current != null || files.hasNext()) {
      OpenFile file = current == null ? open(files.next()) : current;
      current = file;
      LineBatch batch = file.next(index);
      if (batch != null) {
        index += file.linesOfLastBatch;
        return batch;
      }
      bytesOfClosedFiles += file.bytes.count;
      close();
    }
    return null;
  }

  /** Returns how many bytes of the files have been read, counted as compressed. */
  long bytesRead() {
    return bytesOfClosedFiles + (current == null ? 0 : current.bytes.count);
  }

  @Override
  public void close() {
    if (current != null) {
      current.close();
      current = null;
    }
  }

  private static OpenFile open(Path path) {
    try {
      return new OpenFile(path, new CountingStream(Files.newInputStream(path)));
    } catch (IOException e) {
      throw unreadable(path, 1, e);
    }
  }

  private static UserException unreadable(Path path, long line, IOException e) {
    return new UserException(
        "%s, line %d: cannot be read (%s). Check the file, for example that it was copied whole."
            .formatted(path, line, FailureSentence.reason(e)),
        e);
  }

  /** Returns the failure for a line that does not fit into the heap. */
  static UserException tooLong(Path path, long line, long size, OutOfMemoryError cause) {
    String sentence =
        "%s, line %d: %d MiB or more of text do not fit into the heap of %d MiB. Cut the document"
            + " into several, or raise TANUKI4J_HEAP.";
    long heap = Runtime.getRuntime().maxMemory();
    return new UserException(
        sentence.formatted(path, line, size >> MIB_BITS, heap >> MIB_BITS), cause);
  }

  private static final class OpenFile {
    private final Path path;
    private final CountingStream bytes;
    private final InputStream text;
    private byte[] rest = new byte[0];
    private long nextLine = 1;
    private int linesOfLastBatch;

    OpenFile(Path path, CountingStream bytes) throws IOException {
      this.path = path;
      this.bytes = bytes;
      text = InputFiles.unpack(path, bytes);
    }

    @Nullable LineBatch next(long index) {
      try {
        return read(index);
      } catch (IOException e) {
        throw unreadable(path, nextLine, e);
      }
    }

    private @Nullable LineBatch read(long index) throws IOException {
      List<byte[]> blocks = new ArrayList<>();
      byte[] block = Arrays.copyOf(rest, BATCH_SIZE);
      int filled = rest.length;
      int end = 0;
      boolean atEnd = false;
      while (end == 0 && !atEnd) {
        if (filled == BATCH_SIZE) {
          blocks.add(block);
          block = nextBlock(blocks.size());
          filled = 0;
        }
        int count = text.readNBytes(block, filled, BATCH_SIZE - filled);
        atEnd = count < BATCH_SIZE - filled;
        end = atEnd ? filled + count : lastLineEnd(block, filled, filled + count);
        filled += count;
      }
      if (blocks.isEmpty() && filled == 0) {
        return null;
      }
      rest = Arrays.copyOfRange(block, end, filled);
      byte[] lines = blocks.isEmpty() ? block : joined(blocks, block, end);
      return batch(lines, blocks.size() * BATCH_SIZE + end, index);
    }

    private LineBatch batch(byte[] buffer, int end, long index) {
      LineBatch batch = new LineBatch(path, nextLine, index, buffer, end);
      linesOfLastBatch = 0;
      for (int at = 0; at < end; at = batch.lineEnd(at) + 1) {
        linesOfLastBatch++;
      }
      nextLine += linesOfLastBatch;
      return batch;
    }

    /** Returns the position after the last newline in {@code [from, to)}; 0 if there is none. */
    private static int lastLineEnd(byte[] buffer, int from, int to) {
      for (int end = to; end > from; end--) {
        if (buffer[end - 1] == '\n') {
          return end;
        }
      }
      return 0;
    }

    private byte[] nextBlock(int numBlocks) {
      if (numBlocks >= MAX_BLOCKS) {
        throw new UserException(
            "%s, line %d: longer than %d bytes. Cut the document into several."
                .formatted(path, nextLine, MAX_BLOCKS * BATCH_SIZE));
      }
      try {
        return new byte[BATCH_SIZE];
      } catch (OutOfMemoryError e) {
        throw tooLong(path, nextLine, (long) numBlocks * BATCH_SIZE, e);
      }
    }

    /**
     * Returns a long line in one piece. Reading it in small ones needs no gaps in the heap for it.
     */
    private byte[] joined(List<byte[]> blocks, byte[] last, int end) {
      int size = blocks.size() * BATCH_SIZE + end;
      try {
        byte[] all = new byte[size];
        int at = 0;
        for (byte[] block : blocks) {
          System.arraycopy(block, 0, all, at, BATCH_SIZE);
          at += BATCH_SIZE;
        }
        System.arraycopy(last, 0, all, at, end);
        return all;
      } catch (OutOfMemoryError e) {
        throw tooLong(path, nextLine, size, e);
      }
    }

    private void close() {
      try {
        text.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Counts the bytes that pass through. */
  private static final class CountingStream extends FilterInputStream {
    private long count;

    CountingStream(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      int value = in.read();
      count += value < 0 ? 0 : 1;
      return value;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      int read = in.read(target, offset, length);
      count += Math.max(read, 0);
      return read;
    }
  }
}
