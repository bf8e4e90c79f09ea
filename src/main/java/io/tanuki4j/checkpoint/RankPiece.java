package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.tensor.Shape;
import java.util.List;
import java.util.stream.LongStream;

/**
 * The box of a tensor that a rank has, as it tells the other ranks. Equal pieces are copies.
 *
 * @param dims of the whole tensor
 */
record RankPiece(StateKind kind, String name, ElementType type, List<Long> dims, Region region) {

  static RankPiece of(StateKind kind, SourceTensor tensor) {
    return of(kind, tensor.name(), tensor.type(), tensor.globalShape(), tensor.region());
  }

  static RankPiece of(StateKind kind, ShardedTensor tensor) {
    ElementType type = ElementType.of(tensor.local().dtype());
    return of(kind, tensor.name(), type, tensor.globalShape(), tensor.region());
  }

  private static RankPiece of(
      StateKind kind, String name, ElementType type, Shape globalShape, Region region) {
    List<Long> dims = LongStream.of(globalShape.toArray()).boxed().toList();
    return new RankPiece(kind, name, type, dims, region);
  }

  /** Returns the shape of the whole tensor. */
  Shape globalShape() {
    return Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
  }

  long numBytes() {
    return type.numBytes(Shape.of(region.numElements()));
  }
}
