package io.tanuki4j.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * Writes one array as a .npy file of version 1.0, as {@code numpy.save} does. The file appears
 * complete with {@link #finish()}, or not at all. Not thread-safe.
 */
final class NpyWriter implements AutoCloseable {
  private static final int BUFFER_SIZE = 1 << 20;
  private static final int ALIGNMENT = 64;
  private static final int PREFIX_SIZE = NpyArray.MAGIC.length() + 2 + Short.BYTES;

  private final Path file;
  private final Path temporary;
  private final FileChannel channel;
  private final Checksums checksums;
  private final CRC32C checksum = new CRC32C();
  private long size;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_SIZE).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * Creates a file.
   *
   * @param shape as numpy prints it, {@code (6,)} or {@code (7, 2)}
   * @param checksums receives the file's checksum when it is complete
   */
  NpyWriter(Path file, NpyType type, String shape, Checksums checksums) throws IOException {
    this.file = file;
    this.checksums = checksums;
    this.temporary = temporary(file);
    channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING);
    buffer.put(header(type, shape));
  }

  /** Returns a temporary name next to a file that no other process or thread uses. */
  static Path temporary(Path file) {
    String owner = ProcessHandle.current().pid() + "-" + Thread.currentThread().getId();
    return IndexedDataset.file(file, "." + owner + ".tmp");
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

  void putInts(int[] values) throws IOException {
    for (int value : values) {
      putInt(value);
    }
  }

  void finish() throws IOException {
    flush();
    channel.force(true);
    channel.close();
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    checksums.add(file, size, checksum);
  }

  @Override
  public void close() throws IOException {
    channel.close();
    Files.deleteIfExists(temporary);
  }

  private static byte[] header(NpyType type, String shape) {
    String dict =
        "{'descr': '%s', 'fortran_order': False, 'shape': %s, }".formatted(type.descr(), shape);
    int size = PREFIX_SIZE + dict.length() + 1;
    int padded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ByteBuffer header = ByteBuffer.allocate(padded).order(ByteOrder.LITTLE_ENDIAN);
    header.put(NpyArray.MAGIC.getBytes(StandardCharsets.ISO_8859_1)).put((byte) 1).put((byte) 0);
    header.putShort((short) (padded - PREFIX_SIZE));
    header.put((dict + " ".repeat(padded - size) + "\n").getBytes(StandardCharsets.US_ASCII));
    return header.array();
  }

  private ByteBuffer room(int size) throws IOException {
    if (buffer.remaining() < size) {
      flush();
    }
    return buffer;
  }

  private void flush() throws IOException {
    buffer.flip();
    size += buffer.remaining();
    checksum.update(buffer.duplicate());
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }
}
