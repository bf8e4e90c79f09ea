package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.ShardedTensor.Content;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.IntConsumer;

/**
 * Views of tensors that are in files: in another type, of another size, or a part. They hold no
 * elements, and convert while they are read.
 */
public final class TensorViews {
  private TensorViews() {}

  /** Returns a tensor in another floating-point type. */
  public static ShardedTensor retyped(ShardedTensor tensor, ElementType newType) {
    ElementType type = tensor.type();
    if (newType == type) {
      return tensor;
    }
    Content converted =
        (first, into) -> {
          long count = into.remaining() / newType.numBytes(Shape.of(1));
          int bytes = Math.toIntExact(type.numBytes(Shape.of(count)));
          ByteBuffer stored = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
          tensor.content().read(first, stored);
          FloatConversion.convert(tensor.name(), stored.flip(), type, into, newType);
        };
    return new ShardedTensor(
        tensor.name(), newType, tensor.globalShape(), tensor.region(), converted);
  }

  /** Returns a tensor times a number, rounded as a model rounds the product. */
  public static ShardedTensor scaled(ShardedTensor tensor, double factor) {
    ElementType type = tensor.type();
    return withContent(
        tensor,
        tensor.region(),
        (first, into) -> {
          ByteBuffer stored = ByteBuffer.allocate(into.remaining()).order(ByteOrder.LITTLE_ENDIAN);
          tensor.content().read(first, stored);
          FloatConversion.scale(tensor.name(), stored.flip(), type, into, factor);
        });
  }

  /** Returns a whole tensor with fewer rows, or with additional rows of zeros. */
  public static ShardedTensor withRows(ShardedTensor tensor, long rows) {
    long[] dims = tensor.globalShape().toArray();
    dims[0] = rows;
    long numStored = tensor.region().numElements();
    Content resized =
        (first, into) -> {
          int end = into.limit();
          long rest = Math.max(0, numStored - first) * elementBytes(tensor);
          long stored = Math.min(into.remaining(), rest);
          if (stored > 0) {
            into.limit(into.position() + Math.toIntExact(stored));
            tensor.content().read(first, into);
            into.limit(end);
          }
          into.put(new byte[into.remaining()]);
        };
    return ShardedTensor.whole(tensor.name(), tensor.type(), Shape.of(dims), resized);
  }

  /** Returns a box of a whole tensor. */
  public static ShardedTensor part(ShardedTensor tensor, Region box) {
    return withContent(tensor, box, (first, into) -> read(tensor, box, first, into));
  }

  private static void read(ShardedTensor tensor, Region box, long first, ByteBuffer into)
      throws IOException {
    long columns = tensor.region().columns();
    int elementBytes = elementBytes(tensor);
    int end = into.limit();
    long element = first;
    while (into.position() < end) {
      long column = element % box.columns();
      int remaining = (end - into.position()) / elementBytes;
      long run = box.columns() == columns ? remaining : Math.min(box.columns() - column, remaining);
      into.limit(into.position() + Math.toIntExact(run * elementBytes));
      long row = box.firstRow() + element / box.columns();
      tensor.content().read(row * columns + box.firstColumn() + column, into);
      into.limit(end);
      element += run;
    }
  }

  private static int elementBytes(ShardedTensor tensor) {
    return Math.toIntExact(tensor.type().numBytes(Shape.of(1)));
  }

  /** Returns the same tensor, which tells an observer how many bytes each read took. */
  public static ShardedTensor observed(ShardedTensor tensor, IntConsumer observer) {
    return withContent(
        tensor,
        tensor.region(),
        (first, into) -> {
          int bytes = into.remaining();
          tensor.content().read(first, into);
          observer.accept(bytes);
        });
  }

  private static ShardedTensor withContent(ShardedTensor tensor, Region region, Content content) {
    return new ShardedTensor(tensor.name(), tensor.type(), tensor.globalShape(), region, content);
  }
}
