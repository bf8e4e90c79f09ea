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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Writes one array as a .npy file of version 1.0, as {@code numpy.save} does, in one go or in
 * pieces at the same time. The file appears complete with {@link #finish()}, or not at all; the
 * system brings it to the disk later. Only {@link #piece} is thread-safe.
 */
final class NpyWriter implements AutoCloseable {
  private static final int ALIGNMENT = 64;
  private static final int PREFIX_SIZE = NpyArray.MAGIC.length() + 2 + Short.BYTES;

  private final Path file;
  private final Path temporary;
  private final FileChannel channel;
  private final Checksums checksums;
  private final int headerSize;
  private final NpyPiece first;
  private final List<NpyPiece> pieces = new ArrayList<>();

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
    byte[] header = header(type, shape);
    headerSize = header.length;
    first = new NpyPiece(channel, 0);
    first.putBytes(header);
    pieces.add(first);
  }

  /** Returns a temporary name next to a file that no other process or thread uses. */
  static Path temporary(Path file) {
    String owner = ProcessHandle.current().pid() + "-" + Thread.currentThread().getId();
    return IndexedDataset.file(file, "." + owner + ".tmp");
  }

  void putShort(int value) throws IOException {
    first.putShort(value);
  }

  void putInt(int value) throws IOException {
    first.putInt(value);
  }

  void putLong(long value) throws IOException {
    first.putLong(value);
  }

  void putInts(int[] values) throws IOException {
    first.putInts(values, values.length);
  }

  /**
   * Begins a part of the array that another thread may write. All parts together are the array.
   *
   * @param start bytes of the array before this part
   */
  NpyPiece piece(long start) {
    NpyPiece piece = new NpyPiece(channel, headerSize + start);
    synchronized (pieces) {
      pieces.add(piece);
    }
    return piece;
  }

  /** Publishes the file. All pieces must be closed. */
  void finish() throws IOException {
    first.close();
    channel.close();
    JoinedChecksum checksum = new JoinedChecksum();
    long size = 0;
    synchronized (pieces) {
      pieces.sort(Comparator.comparingLong(NpyPiece::start).thenComparingLong(NpyPiece::size));
      for (NpyPiece piece : pieces) {
        if (piece.start() != size) {
          throw new IllegalStateException(
              "%s: bytes %d to %d were not written".formatted(file, size, piece.start()));
        }
        checksum.append(piece.checksum(), piece.size());
        size += piece.size();
      }
    }
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    checksums.add(file, size, checksum.value());
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
}
