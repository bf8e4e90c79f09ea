package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.disk.FileRead;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;

/**
 * A file that checksums what is read of it. {@link #checksum} then reads only the rest, so that
 * loading reads each byte once. Thread-safe.
 */
final class ChecksummedFile implements Closeable {
  private static final int RANGE_BYTES = 4 << 20;

  private final SafetensorsReader reader;
  private final long size;
  private final NewFile.Checksum crc = new NewFile.Checksum();
  private volatile boolean recording;

  /**
   * Begins to read.
   *
   * @param size of the file in bytes
   * @param recording whether the checksum will be asked for
   */
  ChecksummedFile(SafetensorsReader reader, long size, boolean recording) {
    this.reader = reader;
    this.size = size;
    this.recording = recording;
  }

  TensorEntry tensor(String name) {
    return reader.tensor(name);
  }

  /** Fills the rest of a buffer with bytes of a tensor. */
  void read(TensorEntry tensor, long fromByte, ByteBuffer into) throws IOException {
    if (recording) {
      reader.requireInside(tensor, fromByte, into.remaining());
      record(reader.positionOf(tensor) + fromByte, into);
    } else {
      reader.read(tensor, fromByte, into);
    }
  }

  /** Fills the rest of a buffer, and checksums what is still in the core's cache. */
  private void record(long position, ByteBuffer into) throws IOException {
    int end = into.limit();
    CRC32C sum = new CRC32C();
    int length = into.remaining();
    long next = position;
    while (into.position() < end) {
      int start = into.position();
      int count = Math.min(FileRead.BLOCK_BYTES, end - start);
      reader.readFully(next, into.limit(start + count));
      sum.update(into.duplicate().position(start));
      next += count;
    }
    crc.add(position, length, (int) sum.getValue());
  }

  /** Returns the CRC-32C of the whole file. */
  long checksum(ReaderThreads threads) throws IOException {
    List<NewFile.Checksum.Range> rest = new ArrayList<>();
    for (NewFile.Checksum.Range gap : crc.gaps(size)) {
      for (long at = gap.position(); at < gap.end(); at += RANGE_BYTES) {
        rest.add(new NewFile.Checksum.Range(at, Math.min(RANGE_BYTES, gap.end() - at)));
      }
    }
    AtomicInteger next = new AtomicInteger();
    List<Future<Boolean>> readers = new ArrayList<>();
    for (int i = 0; i < Math.min(ReaderThreads.NUMBER, rest.size()); i++) {
      readers.add(threads.submit(() -> readAll(rest, next)));
    }
    for (Future<Boolean> done : readers) {
      ReaderThreads.await(done);
    }
    recording = false;
    return crc.total(size);
  }

  /** Checksums the ranges that no other thread takes. */
  private boolean readAll(List<NewFile.Checksum.Range> rest, AtomicInteger next)
      throws IOException {
    ByteBuffer buffer = FileRead.newBuffer((int) Math.min(RANGE_BYTES, size));
    for (int i = next.getAndIncrement(); i < rest.size(); i = next.getAndIncrement()) {
      NewFile.Checksum.Range range = rest.get(i);
      record(range.position(), buffer.clear().limit((int) range.length()));
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
