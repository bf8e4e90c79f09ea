package io.tanuki4j.metrics.wandb;

import io.tanuki4j.metrics.proto.ProtoWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32;

/**
 * The transaction log of a run: records in LevelDB's log format, in blocks of 32 KiB that are
 * counted from the start of the file, with plain CRC-32 checksums and a header of 7 bytes.
 */
final class RecordFile implements AutoCloseable {
  private static final byte[] HEADER = {':', 'W', '&', 'B', (byte) 0xe1, (byte) 0xbe, 0};
  private static final int BLOCK_SIZE = 1 << 15;
  private static final int CHUNK_HEADER_SIZE = 7;
  private static final int FULL = 1;
  private static final int FIRST = 2;
  private static final int MIDDLE = 3;
  private static final int LAST = 4;

  private final OutputStream out;
  private long position;
  private long number;

  RecordFile(Path file) throws IOException {
    out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    write(HEADER, HEADER.length);
  }

  /**
   * Appends a record.
   *
   * @param kind the field of a Record message that holds it
   */
  void append(int kind, ProtoWriter content) throws IOException {
    number++;
    byte[] record = new ProtoWriter().number(1, number).message(kind, content).toByteArray();
    int done = 0;
    boolean isFirst = true;
    do {
      int room = room();
      int size = Math.min(room, record.length - done);
      boolean isLast = done + size == record.length;
      chunk(type(isFirst, isLast), record, done, size);
      done += size;
      isFirst = false;
    } while (done < record.length);
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  private static int type(boolean isFirst, boolean isLast) {
    if (isFirst) {
      return isLast ? FULL : FIRST;
    }
    return isLast ? LAST : MIDDLE;
  }

  /** Returns how many bytes of a record the block still takes; begins a new one if it is full. */
  private int room() throws IOException {
    int left = BLOCK_SIZE - (int) (position % BLOCK_SIZE);
    if (left < CHUNK_HEADER_SIZE) {
      write(new byte[left], left);
      left = BLOCK_SIZE;
    }
    return left - CHUNK_HEADER_SIZE;
  }

  private void chunk(int type, byte[] record, int from, int size) throws IOException {
    CRC32 checksum = new CRC32();
    checksum.update(type);
    checksum.update(record, from, size);
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK_HEADER_SIZE + size).order(ByteOrder.LITTLE_ENDIAN);
    chunk.putInt((int) checksum.getValue()).putShort((short) size).put((byte) type);
    chunk.put(record, from, size);
    write(chunk.array(), chunk.capacity());
  }

  private void write(byte[] bytes, int size) throws IOException {
    out.write(bytes, 0, size);
    position += size;
  }
}
