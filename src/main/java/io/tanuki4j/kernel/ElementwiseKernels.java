package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/** Fill, copy, add, whole tensors or columns of them. */
public interface ElementwiseKernels {
  void fill(Tensor out, double value);

  /** Copies and converts between floating types (BF16 rounds to nearest, ties to even). */
  void copy(Tensor out, Tensor in);

  /** Computes {@code out = a + b}; out may be one of them. */
  void add(Tensor out, Tensor a, Tensor b);

  /**
   * Copies columns of a matrix into columns of another, or adds them. Converts between floating
   * types and rounds once. Tensors of more than two dims are matrices {@code [product of the
   * others, last]}, with the same number of rows. F64 only goes into F64.
   *
   * @param firstOut first of the columns of out
   * @param firstIn first of the columns of in
   * @param numColumns how many
   */
  void copyColumns(
      Tensor out, int firstOut, Tensor in, int firstIn, int numColumns, Accumulate accumulate);
}
