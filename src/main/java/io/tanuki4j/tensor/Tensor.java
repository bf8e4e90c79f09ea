package io.tanuki4j.tensor;

import java.util.Objects;

/**
 * A contiguous, row-major view of a device buffer: a shape, an element type and a place. It has no
 * arithmetic (that is in {@code kernel.Kernels}) and does not own its memory (a {@code
 * kernel.MemoryScope} does).
 */
public final class Tensor {
  private final Shape shape;
  private final DType dtype;
  private final DeviceBuffer buffer;
  private final long byteOffset;

  /**
   * @throws IllegalArgumentException if the elements do not fit into the buffer
   */
  public Tensor(Shape shape, DType dtype, DeviceBuffer buffer, long byteOffset) {
    this.shape = Objects.requireNonNull(shape);
    this.dtype = Objects.requireNonNull(dtype);
    this.buffer = Objects.requireNonNull(buffer);
    this.byteOffset = byteOffset;
    if (byteOffset < 0 || byteOffset + numBytes() > buffer.bytes()) {
      throw new IllegalArgumentException(
          "%s %s at byte %d does not fit into a buffer of %d bytes"
              .formatted(dtype, shape, byteOffset, buffer.bytes()));
    }
  }

  public Shape shape() {
    return shape;
  }

  public DType dtype() {
    return dtype;
  }

  public DeviceBuffer buffer() {
    return buffer;
  }

  public long byteOffset() {
    return byteOffset;
  }

  /** Returns size of one dim; a negative index counts from the last. */
  public long dim(int index) {
    return shape.dim(index);
  }

  public long numElements() {
    return shape.numElements();
  }

  public long numBytes() {
    return Math.multiplyExact(shape.numElements(), (long) dtype.bytes());
  }

  /** Views the same memory under another shape with the same number of elements. */
  public Tensor reshape(Shape newShape) {
    if (newShape.numElements() != numElements()) {
      throw new IllegalArgumentException(
          "cannot reshape " + shape + " to " + newShape + ": the numbers of elements differ");
    }
    return new Tensor(newShape, dtype, buffer, byteOffset);
  }

  /**
   * Returns rows {@code from} (inclusive) to {@code to} (exclusive) of the outermost dim, without a
   * copy.
   */
  public Tensor rows(long from, long to) {
    if (from < 0 || from > to || to > shape.dim(0)) {
      throw new IllegalArgumentException(
          "rows %d to %d of %s (expected: 0 <= from <= to <= %d)"
              .formatted(from, to, shape, shape.dim(0)));
    }
    long[] dims = shape.toArray();
    dims[0] = to - from;
    long rowBytes = shape.rowSize() * dtype.bytes();
    return new Tensor(Shape.of(dims), dtype, buffer, byteOffset + from * rowBytes);
  }

  @Override
  public String toString() {
    return dtype + " " + shape;
  }
}
