package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.tensor.Shape;
import java.util.List;
import java.util.stream.LongStream;

/**
 * The part of a tensor that a rank has, as it tells the other ranks. Equal holdings are copies.
 *
 * @param dims of the whole tensor
 */
record Holding(Part part, String name, ElementType type, List<Long> dims, Region region) {

  static Holding of(Part part, SourceTensor tensor) {
    return of(part, tensor.name(), tensor.type(), tensor.globalShape(), tensor.region());
  }

  static Holding of(Part part, ShardedTensor tensor) {
    ElementType type = ElementType.of(tensor.local().dtype());
    return of(part, tensor.name(), type, tensor.globalShape(), tensor.region());
  }

  private static Holding of(
      Part part, String name, ElementType type, Shape globalShape, Region region) {
    List<Long> dims = LongStream.of(globalShape.toArray()).boxed().toList();
    return new Holding(part, name, type, dims, region);
  }

  /** Returns the shape of the whole tensor. */
  Shape globalShape() {
    return Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
  }

  long numBytes() {
    return type.numBytes(Shape.of(region.numElements()));
  }
}
