package io.tanuki4j.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The sizes of a tensor's dims, outermost first. A scalar has no dims and one element. */
public final class Shape {
  private final long[] dims;

  private Shape(long[] dims) {
    this.dims = dims;
  }

  /**
   * Returns the shape of these dims.
   *
   * @throws IllegalArgumentException if a size is negative
   */
  public static Shape of(long... dims) {
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(dims) + " has a negative size (expected: 0 or more)");
      }
    }
    return new Shape(dims.clone());
  }

  public int rank() {
    return dims.length;
  }

  /**
   * Returns the size of one dim; a negative index counts from the last, so {@code dim(-1)} is the
   * innermost.
   */
  public long dim(int index) {
    return dims[index < 0 ? dims.length + index : index];
  }

  /** Returns number of elements. */
  public long numElements() {
    long product = 1;
    for (long dim : dims) {
      product = Math.multiplyExact(product, dim);
    }
    return product;
  }

  /** Returns the elements per row, where a row is everything below the outermost dim. */
  public long rowSize() {
    return dims.length == 0 || dims[0] == 0 ? 1 : numElements() / dims[0];
  }

  public long[] toArray() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** Formats the shape, for example {@code [2048, 1, 4096]}. */
  @Override
  public String toString() {
    return Arrays.stream(dims).mapToObj(Long::toString).collect(Collectors.joining(", ", "[", "]"));
  }
}
