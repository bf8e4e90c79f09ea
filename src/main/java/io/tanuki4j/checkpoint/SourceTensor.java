package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * A tensor, or a part of one, that can be written to a file piece by piece.
 *
 * @param globalShape of the whole tensor
 * @param shape of this part
 * @param firstRow where this part begins
 * @param firstColumn where this part begins
 */
public record SourceTensor(
    String name,
    ElementType type,
    Shape globalShape,
    Shape shape,
    long firstRow,
    long firstColumn,
    TensorContent content) {

  /** A tensor that is not cut. */
  public static SourceTensor whole(
      String name, ElementType type, Shape shape, TensorContent content) {
    return new SourceTensor(name, type, shape, shape, 0, 0, content);
  }

  /** Memory of a device. */
  static SourceTensor of(Device device, ShardedTensor tensor) {
    Tensor local = tensor.local();
    Tensor flat = local.reshape(Shape.of(local.numElements()));
    int elementBytes = local.dtype().bytes();
    return new SourceTensor(
        tensor.name(),
        ElementType.of(local.dtype()),
        tensor.globalShape(),
        local.shape(),
        tensor.firstRow(),
        tensor.firstColumn(),
        (first, into) ->
            device.download(into, flat.rows(first, first + into.remaining() / elementBytes)));
  }

  Region region() {
    return Region.of(firstRow, firstColumn, shape);
  }
}
