package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostStage;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.IntConsumer;

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
    Content content) {

  /** Where the elements of a tensor come from: a device, a file, or several. */
  @FunctionalInterface
  public interface Content {
    /**
     * Fills the rest of a little-endian buffer.
     *
     * @param firstElement in row-major order
     */
    void read(long firstElement, ByteBuffer into) throws IOException;

    /**
     * Begins to fill a part of a stage's slot. It is filled once the stage has been waited for;
     * content from elsewhere than the stage's device is there at once.
     */
    default void begin(long firstElement, ByteBuffer into, HostStage stage, int slot)
        throws IOException {
      read(firstElement, into);
    }
  }

  /** Returns a tensor that is not cut. */
  public static SourceTensor whole(String name, ElementType type, Shape shape, Content content) {
    return new SourceTensor(name, type, shape, shape, 0, 0, content);
  }

  /** Returns a tensor in a device's memory. */
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
        new OnDevice(device, flat, elementBytes));
  }

  /**
   * Content in a device's memory.
   *
   * @param flat one dim
   */
  private record OnDevice(Device device, Tensor flat, int elementBytes) implements Content {
    @Override
    public void read(long first, ByteBuffer into) {
      device.download(into, part(first, into));
    }

    @Override
    public void begin(long first, ByteBuffer into, HostStage stage, int slot) {
      stage.copy(slot, into, part(first, into));
    }

    private Tensor part(long first, ByteBuffer into) {
      return flat.rows(first, first + into.remaining() / elementBytes);
    }
  }

  /** Returns the same tensor under another name. */
  public SourceTensor renamed(String newName) {
    return new SourceTensor(newName, type, globalShape, shape, firstRow, firstColumn, content);
  }

  /** Returns the same tensor in another floating-point type. */
  public SourceTensor as(ElementType newType) {
    if (newType == type) {
      return this;
    }
    Content converted =
        (first, into) -> {
          long count = into.remaining() / newType.numBytes(Shape.of(1));
          int bytes = Math.toIntExact(type.numBytes(Shape.of(count)));
          ByteBuffer stored = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
          content.read(first, stored);
          FloatConversion.convert(stored.flip(), type, into, newType);
        };
    return new SourceTensor(name, newType, globalShape, shape, firstRow, firstColumn, converted);
  }

  /** Returns a whole tensor with fewer rows, or with additional rows of zeros. */
  public SourceTensor withRows(long rows) {
    long[] dims = shape.toArray();
    dims[0] = rows;
    long numStored = shape.numElements();
    Content resized =
        (first, into) -> {
          int end = into.limit();
          long stored = Math.max(0, Math.min(into.remaining(), bytes(numStored - first)));
          if (stored > 0) {
            into.limit(into.position() + Math.toIntExact(stored));
            content.read(first, into);
            into.limit(end);
          }
          into.put(new byte[into.remaining()]);
        };
    return whole(name, type, Shape.of(dims), resized);
  }

  /** Returns a box of a whole tensor. */
  public SourceTensor part(Region box) {
    if (!region().contains(box)) {
      throw new IllegalArgumentException(
          "%s: rows %d to %d, columns %d to %d (expected: within %s)"
              .formatted(
                  name, box.firstRow(), box.endRow(), box.firstColumn(), box.endColumn(), shape));
    }
    Shape boxShape = shape.rank() == 1 ? Shape.of(box.rows()) : Shape.of(box.rows(), box.columns());
    Content boxContent = (first, into) -> read(box, first, into);
    return new SourceTensor(
        name, type, globalShape, boxShape, box.firstRow(), box.firstColumn(), boxContent);
  }

  private void read(Region box, long first, ByteBuffer into) throws IOException {
    long columns = region().columns();
    int elementBytes = Math.toIntExact(bytes(1));
    int end = into.limit();
    long element = first;
    while (into.position() < end) {
      long column = element % box.columns();
      int remaining = (end - into.position()) / elementBytes;
      long run = box.columns() == columns ? remaining : Math.min(box.columns() - column, remaining);
      into.limit(into.position() + Math.toIntExact(run * elementBytes));
      long row = box.firstRow() + element / box.columns();
      content.read(row * columns + box.firstColumn() + column, into);
      into.limit(end);
      element += run;
    }
  }

  /** Returns the same tensor, which tells an observer how many bytes each read took. */
  public SourceTensor observed(IntConsumer observer) {
    Content observed =
        (first, into) -> {
          int bytes = into.remaining();
          content.read(first, into);
          observer.accept(bytes);
        };
    return new SourceTensor(name, type, globalShape, shape, firstRow, firstColumn, observed);
  }

  private long bytes(long numElements) {
    return Math.max(0, numElements) * type.numBytes(Shape.of(1));
  }

  /** Returns the size of this part in a file, in bytes. */
  public long numBytes() {
    return type.numBytes(shape);
  }

  /** Returns its name in a file. */
  String entryName() {
    return region().entryName(name, globalShape);
  }

  Region region() {
    return Region.of(firstRow, firstColumn, shape);
  }
}
