package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.tensor.Shape;
import java.util.List;

/** Describes for users where a checkpoint's tensor is. */
public record TensorPieces(String name, ElementType type, Shape shape, List<Place> pieces) {
  /**
   * A piece in a file.
   *
   * @param entry its name there, with the rows and columns that it has
   */
  public record Place(String file, String entry) {}

  static TensorPieces of(StoredTensor tensor) {
    return new TensorPieces(
        tensor.name(),
        tensor.type(),
        tensor.shape(),
        tensor.pieces().stream()
            .map(
                piece ->
                    new Place(
                        piece.file(), piece.region().entryName(tensor.name(), tensor.shape())))
            .toList());
  }
}
