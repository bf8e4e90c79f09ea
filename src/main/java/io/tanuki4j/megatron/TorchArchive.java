package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A file of torch.save: a pickle, and the storages that its tensors are views of. */
final class TorchArchive {
  private static final String PICKLE = "/data.pkl";
  private static final int MAX_PICKLE_BYTES = 1 << 29;

  private final FileSlice file;
  private final Map<String, ArchiveEntry> entries;
  private final String root;

  private TorchArchive(FileSlice file, Map<String, ArchiveEntry> entries, String root) {
    this.file = file;
    this.entries = entries;
    this.root = root;
  }

  /**
   * Reads the directory of an archive.
   *
   * @throws UserException if it is none
   */
  static TorchArchive open(FileSlice file) throws IOException {
    Map<String, ArchiveEntry> entries = ZipDirectory.read(file);
    String pickle =
        entries.keySet().stream()
            .filter(name -> name.endsWith(PICKLE))
            .findFirst()
            .orElseThrow(
                () ->
                    new UserException(
                        file.name() + ": it has no data.pkl, so torch.save did not write it."));
    String root = pickle.substring(0, pickle.length() - PICKLE.length());
    ArchiveEntry order = entries.get(root + "/byteorder");
    if (order != null && order.content().length() > 0 && order.content().bytes(64)[0] == 'b') {
      throw new UserException(file.name() + ": its numbers are big-endian (expected: little).");
    }
    return new TorchArchive(file, entries, root);
  }

  /** Reads what was saved. */
  @Nullable Object content() throws IOException {
    ArchiveEntry pickle = entry(PICKLE);
    pickle.verify();
    byte[] bytes = pickle.content().bytes(MAX_PICKLE_BYTES);
    return PickleReader.read(file.name(), bytes, this::storage);
  }

  private ArchiveEntry entry(String name) {
    ArchiveEntry entry = entries.get(root + name);
    if (entry == null) {
      throw new UserException(
          "%s: it has no entry %s, so it is damaged. Copy it again."
              .formatted(file.name(), root + name));
    }
    return entry;
  }

  /**
   * Returns the storage that a pickle refers to as {@code ("storage", type, key, place, count)}.
   */
  private TorchStorage storage(Object reference) {
    List<?> parts = (List<?>) reference;
    TorchType type =
        parts.get(1) instanceof PickledClass named ? TorchType.ofStorage(named.name()) : null;
    if (type == null
        || !(parts.get(2) instanceof String key)
        || !(parts.get(4) instanceof Long count)) {
      throw new UserException(
          file.name() + ": a storage is of a type that no model weight has here.");
    }
    long bytes = entry("/data/" + key).content().length();
    if (count < 0 || count > bytes / elementBytes(type)) {
      throw new UserException(
          "%s: storage %s has %d bytes (expected: %d elements of %s), so the file is damaged. Copy it again."
              .formatted(file.name(), key, bytes, count, type));
    }
    return new TorchStorage(type, key, count);
  }

  private static long elementBytes(TorchType type) {
    return type.element().numBytes(Shape.of(1));
  }

  /** Returns the entry that has a tensor's storage. */
  ArchiveEntry data(TorchTensor tensor) {
    return entry("/data/" + tensor.key());
  }

  /** Returns a tensor of one or two dims as a matrix that is read when it is asked for. */
  Matrix matrix(TorchTensor tensor) {
    return new StoredMatrix(tensor, data(tensor).content());
  }
}
