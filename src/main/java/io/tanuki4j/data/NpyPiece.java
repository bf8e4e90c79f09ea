package io.tanuki4j.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.zip.CRC32C;

/** Consecutive bytes of a .npy file on their way there, with their checksum. Not thread-safe. */
final class NpyPiece implements AutoCloseable {
  private static final int BUFFER_SIZE = 1 << 16;

  private final FileChannel channel;
  private final long start;
  private final CRC32C checksum = new CRC32C();
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_SIZE).order(ByteOrder.LITTLE_ENDIAN);
  private long size;

  /**
   * @param channel stays open
   * @param start place of the first byte in the file
   */
  NpyPiece(FileChannel channel, long start) {
    this.channel = channel;
    this.start = start;
  }

  void putBytes(byte[] values) throws IOException {
    for (byte value : values) {
      room(1).put(value);
    }
  }

  void putShort(int value) throws IOException {
    room(Short.BYTES).putShort((short) value);
  }

  void putInt(int value) throws IOException {
    room(Integer.BYTES).putInt(value);
  }

  void putLong(long value) throws IOException {
    room(Long.BYTES).putLong(value);
  }

  /** Writes the first {@code count} of some values. */
  void putInts(int[] values, int count) throws IOException {
    int done = 0;
    while (done < count) {
      ByteBuffer into = room(Integer.BYTES);
      int part = Math.min(into.remaining() / Integer.BYTES, count - done);
      into.asIntBuffer().put(values, done, part);
      into.position(into.position() + part * Integer.BYTES);
      done += part;
    }
  }

  /** Writes what is left; the piece is complete. */
  @Override
  public void close() throws IOException {
    flush();
  }

  /** Returns the place of the first byte in the file. */
  long start() {
    return start;
  }

  /** Returns the number of bytes written. */
  long size() {
    return size;
  }

  /** Returns the CRC-32C of the bytes written. */
  int checksum() {
    return (int) checksum.getValue();
  }

  private ByteBuffer room(int numBytes) throws IOException {
    if (buffer.remaining() < numBytes) {
      flush();
    }
    return buffer;
  }

  private void flush() throws IOException {
    buffer.flip();
    checksum.update(buffer.array(), 0, buffer.limit());
    while (buffer.hasRemaining()) {
      size += channel.write(buffer, start + size);
    }
    buffer.clear();
  }
}
