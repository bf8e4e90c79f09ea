package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.Piece;
import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.disk.FileRead;
import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The files of one kind of a checkpoint, which is not removed before they are closed. Each is
 * opened when it is first needed, and then compared with the manifest.
 */
public final class OpenShards implements TensorFiles {
  /** Columns of a file's rows that may be read for one that is wanted. */
  private static final int MAX_READ_PER_COLUMN = 16;

  private final Path folder;
  private final ReadHold hold;
  private final List<ShardFile> files;
  private final List<ShardFile> verified;
  private final List<StoredTensor> tensors;
  private final Map<String, ChecksummedFile> readers = new HashMap<>();
  private final Map<Piece, Located> located = new IdentityHashMap<>();

  /**
   * Begins to open them.
   *
   * @param hold closed with them
   * @param verified the files whose checksums {@link #verify} compares
   */
  OpenShards(
      Path folder, ReadHold hold, Manifest manifest, StateKind kind, List<ShardFile> verified) {
    this.folder = folder;
    this.hold = hold;
    this.verified = verified;
    this.files = manifest.files(kind);
    this.tensors = manifest.tensors(kind);
  }

  /** The location of a piece's bytes. */
  private record Located(ChecksummedFile file, Region region, TensorEntry entry) {
    /** Fills the rest of a buffer with consecutive elements of the piece. */
    void read(Region box, ByteBuffer into) throws IOException {
      file.read(entry, region.elementOf(box) * entry.type().elementBytes(), into);
    }
  }

  private synchronized Located locate(Piece piece) throws IOException {
    Located known = located.get(piece);
    if (known != null) {
      return known;
    }
    reader(piece.file());
    return Objects.requireNonNull(located.get(piece));
  }

  /**
   * Opens a file.
   *
   * @throws UserException if the file is missing, of another size, or holds other tensors than the
   *     manifest says
   */
  private ChecksummedFile reader(String name) throws IOException {
    ChecksummedFile opened = readers.get(name);
    if (opened != null) {
      return opened;
    }
    ShardFile file =
        files.stream()
            .filter(one -> one.name().equals(name))
            .findFirst()
            .orElseThrow(() -> broken(name + " is not among the files of " + Manifest.NAME));
    requireWhole(folder, file);
    try {
      ChecksummedFile reader =
          new ChecksummedFile(
              SafetensorsReader.open(folder.resolve(name)), file.size(), verified.contains(file));
      readers.put(name, reader);
      locateAll(name, reader);
      return reader;
    } catch (DamagedException e) {
      throw e;
    } catch (UserException e) {
      throw new DamagedException(e.getMessage() + " " + OtherIterations.remedy(folder), e);
    }
  }

  /**
   * Compares a file's size with the manifest.
   *
   * @throws DamagedException if the file is missing or has another size
   */
  static void requireWhole(Path folder, ShardFile file) throws IOException {
    Path path = folder.resolve(file.name());
    if (!Files.exists(path)) {
      throw broken(folder, file.name() + " is missing");
    }
    if (Files.size(path) != file.size()) {
      throw broken(
          folder,
          "%s has %d bytes (expected: the %d of %s)"
              .formatted(file.name(), Files.size(path), file.size(), Manifest.NAME));
    }
  }

  private void locateAll(String file, ChecksummedFile reader) {
    for (StoredTensor tensor : tensors) {
      for (Piece piece : tensor.pieces()) {
        if (piece.file().equals(file)) {
          String name = piece.region().entryName(tensor.name(), tensor.shape());
          TensorEntry entry = checked(tensor, piece, reader.tensor(name));
          located.put(piece, new Located(reader, piece.region(), entry));
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
   * Reads the bytes that nothing else has read, and compares the checksums.
   *
   * @throws DamagedException if a byte has changed since the files were written
   */
  @Override
  public synchronized void verify() throws IOException {
    try (ReaderThreads threads = new ReaderThreads()) {
      for (ShardFile file : verified) {
        long sum = reader(file.name()).checksum(threads);
        if (sum != file.crc32c()) {
          throw broken(
              "%s has the checksum %08x (expected: %08x): its bytes have changed"
                  .formatted(file.name(), sum, file.crc32c()));
        }
      }
    }
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
  @Override
  public void read(StoredTensor tensor, Region box, long first, ByteBuffer into)
      throws IOException {
    int elementBytes = tensor.type().elementBytes();
    int start = into.position();
    for (long element = first; into.hasRemaining(); ) {
      Region part = box.consecutive(element, into.remaining() / elementBytes);
      ByteBuffer rows = into.slice(into.position(), bytes(part.numElements(), elementBytes));
      readPart(tensor, part, rows.order(into.order()));
      into.position(into.position() + rows.capacity());
      element += part.numElements();
    }
    if (tensor.kind() == StateKind.MODEL) {
      FiniteValues.require(folder, tensor.name(), tensor.type(), into, start);
    }
  }

  private void readPart(StoredTensor tensor, Region part, ByteBuffer into) throws IOException {
    for (Piece piece : tensor.pieces()) {
      if (piece.region().overlaps(part)) {
        read(locate(piece), piece.region().shared(part), part, into);
      }
    }
  }

  /**
   * Reads what a piece has of a part.
   *
   * @param into all of the part
   */
  private static void read(Located piece, Region shared, Region part, ByteBuffer into)
      throws IOException {
    int elementBytes = piece.entry().type().elementBytes();
    long width = piece.region().columns();
    boolean wholeRows = shared.columns() == width && shared.columns() == part.columns();
    if (shared.rows() == 1 || wholeRows) {
      int at = bytes(part.elementOf(shared), elementBytes);
      piece.read(shared, into.slice(at, bytes(shared.numElements(), elementBytes)));
    } else if (width > shared.columns() * MAX_READ_PER_COLUMN) {
      for (long row = shared.firstRow(); row < shared.endRow(); row++) {
        read(piece, new Region(row, shared.firstColumn(), 1, shared.columns()), part, into);
      }
    } else {
      readColumns(piece, shared, part, into);
    }
  }

  /** Reads whole rows of a piece, a block at a time, and keeps some of their columns. */
  private static void readColumns(Located piece, Region shared, Region part, ByteBuffer into)
      throws IOException {
    int elementBytes = piece.entry().type().elementBytes();
    Region at = piece.region();
    long most = Math.max(1, FileRead.BLOCK_BYTES / bytes(at.columns(), elementBytes));
    for (long first = shared.firstRow(); first < shared.endRow(); first += most) {
      long count = Math.min(most, shared.endRow() - first);
      Region rows = new Region(first, at.firstColumn(), count, at.columns());
      ByteBuffer read = ByteBuffer.allocate(bytes(rows.numElements(), elementBytes));
      piece.read(rows, read);
      for (long row = first; row < rows.endRow(); row++) {
        Region kept = new Region(row, shared.firstColumn(), 1, shared.columns());
        into.put(
            bytes(part.elementOf(kept), elementBytes),
            read,
            bytes(rows.elementOf(kept), elementBytes),
            bytes(kept.columns(), elementBytes));
      }
    }
  }

  private static int bytes(long numElements, int elementBytes) {
    return Math.toIntExact(numElements * elementBytes);
  }

  @Override
  public void close() throws IOException {
    hold.close();
    for (ChecksummedFile reader : readers.values()) {
      reader.close();
    }
  }

  private DamagedException broken(String reason) {
    return broken(folder, reason);
  }

  private static DamagedException broken(Path folder, String reason) {
    return new DamagedException(folder + ": " + reason + ". " + OtherIterations.remedy(folder));
  }
}
