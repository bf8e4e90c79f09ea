package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The table of contents of a checkpoint: its state, its files and where each tensor is. */
record Manifest(TrainState state, List<ShardFile> files, List<StoredTensor> tensors) {

  /**
   * A file of tensors.
   *
   * @param size in bytes
   * @param crc32c of all bytes
   */
  record ShardFile(String name, StateKind kind, long size, long crc32c) {}

  /**
   * A tensor of the checkpoint.
   *
   * @param pieces cover it without overlap
   */
  record StoredTensor(
      String name, StateKind kind, ElementType type, Shape shape, List<Piece> pieces) {}

  /** A box of a tensor in a file. */
  record Piece(String file, Region region) {}

  boolean has(StateKind kind) {
    return files.stream().anyMatch(file -> file.kind() == kind);
  }

  List<StoredTensor> tensors(StateKind kind) {
    return tensors.stream().filter(tensor -> tensor.kind() == kind).toList();
  }

  List<ShardFile> files(StateKind kind) {
    return files.stream().filter(file -> file.kind() == kind).toList();
  }

  /** Collects files and the pieces written into them. */
  static final class Builder {
    private final TrainState state;
    private final List<ShardFile> files = new ArrayList<>();
    private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

    Builder(TrainState state) {
      this.state = state;
    }

    void add(ShardFile file) {
      files.add(file);
    }

    /**
     * Adds a piece.
     *
     * @param file that the piece was written into
     */
    void add(String file, RankPiece written) {
      tensors.merge(
          written.name(),
          new StoredTensor(
              written.name(),
              written.kind(),
              written.type(),
              written.globalShape(),
              List.of(new Piece(file, written.region()))),
          Builder::join);
    }

    Manifest build() {
      Manifest manifest = new Manifest(state, List.copyOf(files), List.copyOf(tensors.values()));
      manifest.checkCover();
      return manifest;
    }

    private static StoredTensor join(StoredTensor a, StoredTensor b) {
      if (a.kind() != b.kind() || a.type() != b.type() || !a.shape().equals(b.shape())) {
        throw new IllegalStateException("pieces of " + a.name() + " do not belong together");
      }
      List<Piece> pieces = new ArrayList<>(a.pieces());
      pieces.addAll(b.pieces());
      return new StoredTensor(a.name(), a.kind(), a.type(), a.shape(), List.copyOf(pieces));
    }
  }

  /**
   * Checks that the pieces cover the tensor.
   *
   * @throws UserException if pieces overlap, extend beyond the tensor or don't fill it
   */
  void checkCover() {
    for (StoredTensor tensor : tensors) {
      long sum = 0;
      for (int i = 0; i < tensor.pieces().size(); i++) {
        Region region = tensor.pieces().get(i).region();
        sum += region.numElements();
        boolean overlap =
            tensor.pieces().subList(0, i).stream().anyMatch(p -> p.region().overlaps(region));
        if (overlap || !Region.whole(tensor.shape()).contains(region)) {
          throw new UserException(
              "the pieces of tensor %s overlap or leave its shape %s"
                  .formatted(tensor.name(), tensor.shape()));
        }
      }
      if (sum != tensor.shape().numElements()) {
        throw new UserException(
            "the pieces of tensor %s have %d elements (expected for %s: %d)"
                .formatted(tensor.name(), sum, tensor.shape(), tensor.shape().numElements()));
      }
    }
  }
}
