package io.tanuki4j.backend.cpu;

import io.tanuki4j.tensor.Tensor;

/** A tensor seen as a matrix {@code [product of the other dims, last dim]}. */
final class Rows {
  /** Elements that make a task worth the hand-over to another thread. */
  private static final long ELEMENTS_PER_TASK = 8192;

  private Rows() {}

  static int columns(Tensor tensor) {
    return Math.toIntExact(tensor.dim(-1));
  }

  static long count(Tensor tensor) {
    return tensor.dim(-1) == 0 ? 0 : tensor.numElements() / tensor.dim(-1);
  }

  /** Returns the rows of one task. */
  static long perTask(int columns) {
    return Math.max(1, ELEMENTS_PER_TASK / Math.max(1, columns));
  }
}
