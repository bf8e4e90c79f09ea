package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** How many elements a thread can move at a time. */
final class Vectors {
  private static final int ACCESS_BYTES = 16;

  private Vectors() {}

  /**
   * Returns the elements of the type in 16 bytes if rows of this many elements stay aligned, else
   * 1.
   *
   * @param columns elements of a row; each row follows the other
   * @param tensors the rows of which start at the tensors' beginning
   */
  static int width(DType type, long columns, Tensor... tensors) {
    int width = ACCESS_BYTES / type.bytes();
    if (columns % width != 0) {
      return 1;
    }
    for (Tensor tensor : tensors) {
      if (Address.of(tensor) % ACCESS_BYTES != 0) {
        return 1;
      }
    }
    return width;
  }

  /** Returns the number of blocks or accesses that cover this many elements. */
  static long ceilDiv(long count, long size) {
    return (count + size - 1) / size;
  }
}
