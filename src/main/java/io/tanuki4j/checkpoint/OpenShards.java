package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.Piece;
import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.TensorEntry;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The files of one kind of a checkpoint. Each is opened when it is first needed, and then compared
 * with the manifest.
 */
public final class OpenShards implements Closeable {
  private static final int BUFFER_BYTES = 4 << 20;

  private final Path folder;
  private final List<ShardFile> files;
  private final List<StoredTensor> tensors;
  private final Map<String, SafetensorsReader> readers = new HashMap<>();
  private final Map<Key, Located> located = new HashMap<>();

  OpenShards(Path folder, Manifest manifest, StateKind kind) {
    this.folder = folder;
    this.files = manifest.files(kind);
    this.tensors = manifest.tensors(kind);
  }

  /** The location of a piece's bytes. */
  private record Located(SafetensorsReader reader, TensorEntry entry) {}

  private record Key(String tensor, Piece piece) {}

  private synchronized Located locate(StoredTensor tensor, Piece piece) throws IOException {
    Key key = new Key(tensor.name(), piece);
    Located known = located.get(key);
    if (known != null) {
      return known;
    }
    reader(piece.file());
    return Objects.requireNonNull(located.get(key));
  }

  /**
   * Opens a file.
   *
   * @throws UserException if the file is missing, of another size, or holds other tensors than the
   *     manifest says
   */
  private SafetensorsReader reader(String name) throws IOException {
    SafetensorsReader opened = readers.get(name);
    if (opened != null) {
      return opened;
    }
    ShardFile file =
        files.stream()
            .filter(one -> one.name().equals(name))
            .findFirst()
            .orElseThrow(() -> broken(name + " is not among the files of " + Manifest.NAME));
    Path path = folder.resolve(name);
    if (!Files.exists(path)) {
      throw broken(name + " is missing");
    }
    if (Files.size(path) != file.size()) {
      throw broken(
          "%s has %d bytes (expected: the %d of %s)"
              .formatted(name, Files.size(path), file.size(), Manifest.NAME));
    }
    try {
      SafetensorsReader reader = SafetensorsReader.open(path);
      readers.put(name, reader);
      locateAll(name, reader);
      return reader;
    } catch (DamagedException e) {
      throw e;
    } catch (UserException e) {
      throw new DamagedException(e.getMessage() + " " + OtherIterations.remedy(folder), e);
    }
  }

  private void locateAll(String file, SafetensorsReader reader) {
    for (StoredTensor tensor : tensors) {
      for (Piece piece : tensor.pieces()) {
        if (piece.file().equals(file)) {
          String name = piece.region().entryName(tensor.name(), tensor.shape());
          TensorEntry entry = checked(tensor, piece, reader.tensor(name));
          located.put(new Key(tensor.name(), piece), new Located(reader, entry));
        }
      }
    }
  }

  private TensorEntry checked(StoredTensor tensor, Piece piece, TensorEntry entry) {
    Region region = piece.region();
    if (entry.type() == tensor.type()
        && entry.shape().rank() == tensor.shape().rank()
        && Region.of(region.firstRow(), region.firstColumn(), entry.shape()).equals(region)) {
      return entry;
    }
    throw broken(
        "%s has %s as %s %s, which %s does not say"
            .formatted(piece.file(), entry.name(), entry.type(), entry.shape(), Manifest.NAME));
  }

  /**
   * Reads every byte and compares the checksums.
   *
   * @throws UserException if a byte has changed since the files were written
   */
  public void verify() throws IOException {
    verify(0, 1);
  }

  /** Verifies one rank's share of the files: all ranks together read each file once. */
  void verify(int rank, int numRanks) throws IOException {
    try (ReaderThreads threads = new ReaderThreads()) {
      for (int i = rank; i < files.size(); i += numRanks) {
        verify(files.get(i), threads);
      }
    }
  }

  private void verify(ShardFile file, ReaderThreads threads) throws IOException {
    SafetensorsReader reader = reader(file.name());
    AtomicLong next = new AtomicLong();
    NewFile.Checksum crc = new NewFile.Checksum();
    List<Future<Boolean>> readers = new ArrayList<>();
    for (int i = 0; i < Math.min(ReaderThreads.NUMBER, 1 + file.size() / BUFFER_BYTES); i++) {
      readers.add(threads.submit(() -> addParts(reader, file.size(), next, crc)));
    }
    for (Future<Boolean> done : readers) {
      ReaderThreads.await(done);
    }
    long sum = crc.total(file.size());
    if (sum != file.crc32c()) {
      throw broken(
          "%s has the checksum %08x (expected: %08x): its bytes have changed"
              .formatted(file.name(), sum, file.crc32c()));
    }
  }

  /** Checksums the parts of a file that no other thread takes. */
  private static boolean addParts(
      SafetensorsReader reader, long size, AtomicLong next, NewFile.Checksum crc)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(BUFFER_BYTES, size));
    for (long at = next.getAndAdd(BUFFER_BYTES); at < size; at = next.getAndAdd(BUFFER_BYTES)) {
      buffer.clear().limit((int) Math.min(BUFFER_BYTES, size - at));
      reader.readFully(at, buffer);
      crc.add(at, buffer.flip().remaining(), NewFile.Checksum.of(buffer));
    }
    return true;
  }

  /** Returns every tensor, whole. */
  public List<ShardedTensor> tensors() {
    return tensors.stream().map(this::source).toList();
  }

  private ShardedTensor source(StoredTensor tensor) {
    Region whole = Region.whole(tensor.shape());
    return ShardedTensor.whole(
        tensor.name(),
        tensor.type(),
        tensor.shape(),
        (first, into) -> read(tensor, whole, first, into));
  }

  /**
   * Fills the rest of a buffer with elements of a box of a tensor, wherever its pieces are.
   *
   * @param first element of the box, in row-major order
   * @throws io.tanuki4j.error.UserException if a weight among them is not finite
   */
  void read(StoredTensor tensor, Region box, long first, ByteBuffer into) throws IOException {
    int elementBytes = elementBytes(tensor);
    int start = into.position();
    int end = into.limit();
    long element = first;
    while (into.position() < end) {
      long row = box.firstRow() + element / box.columns();
      long column = box.firstColumn() + element % box.columns();
      Piece piece = pieceAt(tensor, row, column);
      long run =
          Math.min(run(piece.region(), box, row, column), (end - into.position()) / elementBytes);
      Region at = piece.region();
      long offset = (row - at.firstRow()) * at.columns() + column - at.firstColumn();
      into.limit(into.position() + Math.toIntExact(run * elementBytes));
      Located place = locate(tensor, piece);
      place.reader().read(place.entry(), offset * elementBytes, into);
      into.limit(end);
      element += run;
    }
    if (tensor.kind() == StateKind.MODEL) {
      FiniteValues.require(folder, tensor.name(), tensor.type(), into, start);
    }
  }

  private static int elementBytes(StoredTensor tensor) {
    return Math.toIntExact(tensor.type().numBytes(Shape.of(1)));
  }

  private static Piece pieceAt(StoredTensor tensor, long row, long column) {
    for (Piece piece : tensor.pieces()) {
      if (piece.region().contains(row, column)) {
        return piece;
      }
    }
    throw new IllegalStateException(
        "%s has no element %d, %d".formatted(tensor.name(), row, column));
  }

  /** Returns how many elements from here on are contiguous in both the piece and the box. */
  private static long run(Region piece, Region box, long row, long column) {
    if (piece.firstColumn() == box.firstColumn() && piece.columns() == box.columns()) {
      return (piece.endRow() - row) * piece.columns() - (column - piece.firstColumn());
    }
    return Math.min(piece.endColumn(), box.endColumn()) - column;
  }

  @Override
  public void close() throws IOException {
    for (SafetensorsReader reader : readers.values()) {
      reader.close();
    }
  }

  private DamagedException broken(String reason) {
    return new DamagedException(folder + ": " + reason + ". " + OtherIterations.remedy(folder));
  }
}
