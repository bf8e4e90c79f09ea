package io.tanuki4j.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A part of a file in memory-mapped windows of 1 GiB, as bytes or as a little-endian array that
 * begins where the part begins. The mapping lives until the object is garbage-collected.
 */
final class MappedBytes implements FileBytes {
  private static final int WINDOW_BITS = 30;
  private static final int WINDOW_SIZE = 1 << WINDOW_BITS;
  private static final int SHORT_BITS = 1;
  private static final int INT_BITS = 2;
  private static final int LONG_BITS = 3;

  private final ByteBuffer[] windows;

  private MappedBytes(ByteBuffer[] windows) {
    this.windows = windows;
  }

  /** Maps a whole file. */
  static MappedBytes ofFile(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return of(channel, 0, channel.size());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot map " + file, e);
    }
  }

  /**
   * Maps {@code length} bytes of a file, starting at {@code start}. The channel may close
   * afterwards.
   */
  static MappedBytes of(FileChannel channel, long start, long length) throws IOException {
    ByteBuffer[] windows =
        new ByteBuffer[Math.toIntExact((length + WINDOW_SIZE - 1) >>> WINDOW_BITS)];
    for (int i = 0; i < windows.length; i++) {
      long begin = (long) i << WINDOW_BITS;
      long size = Math.min(WINDOW_SIZE, length - begin);
      windows[i] =
          channel.map(MapMode.READ_ONLY, start + begin, size).order(ByteOrder.LITTLE_ENDIAN);
    }
    return new MappedBytes(windows);
  }

  short getShort(long index) {
    return windows[window(index, SHORT_BITS)].getShort(offset(index, SHORT_BITS));
  }

  int getInt(long index) {
    return windows[window(index, INT_BITS)].getInt(offset(index, INT_BITS));
  }

  long getLong(long index) {
    return windows[window(index, LONG_BITS)].getLong(offset(index, LONG_BITS));
  }

  /** Copies {@code count} ints, beginning with that of an index, to the start of an array. */
  void getInts(long index, int[] into, int count) {
    int done = 0;
    while (done < count) {
      IntBuffer window = from(index + done, INT_BITS).asIntBuffer();
      int part = Math.min(count - done, window.remaining());
      window.get(into, done, part);
      done += part;
    }
  }

  /** Copies {@code count} longs, beginning with that of an index, to the start of an array. */
  void getLongs(long index, long[] into, int count) {
    int done = 0;
    while (done < count) {
      LongBuffer window = from(index + done, LONG_BITS).asLongBuffer();
      int part = Math.min(count - done, window.remaining());
      window.get(into, done, part);
      done += part;
    }
  }

  /** Copies the ints of {@code count} indices, in their order, to the start of an array. */
  void gatherInts(int[] indices, int from, int count, int[] into) {
    if (windows.length > 1) {
      for (int i = 0; i < count; i++) {
        into[i] = getInt(indices[from + i]);
      }
    } else if (count > 0) {
      ByteBuffer all = windows[0];
      for (int i = 0; i < count; i++) {
        into[i] = all.getInt(indices[from + i] << INT_BITS);
      }
    }
  }

  /** Returns a view of a window, from an element on. */
  private ByteBuffer from(long index, int elementBits) {
    ByteBuffer window = windows[window(index, elementBits)];
    return window
        .duplicate()
        .position(offset(index, elementBits))
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void read(long position, byte[] into) {
    int done = 0;
    while (done < into.length) {
      ByteBuffer window = windows[window(position + done, 0)];
      int offset = offset(position + done, 0);
      int count = Math.min(into.length - done, window.capacity() - offset);
      window.get(offset, into, done, count);
      done += count;
    }
  }

  @Override
  public void close() {}

  private static int window(long index, int elementBits) {
    return (int) (index >>> (WINDOW_BITS - elementBits));
  }

  private static int offset(long index, int elementBits) {
    return ((int) index << elementBits) & (WINDOW_SIZE - 1);
  }
}
