package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/** Fill, copy, add, whole tensors or columns of them. */
public interface ElementwiseKernels {
  void fill(Tensor out, double value);

  /** Copies, and converts between floating types (to BF16: to nearest, ties to even). */
  void copy(Tensor out, Tensor in);

  /** {@code out = a + b}; out may be one of them. */
  void add(Tensor out, Tensor a, Tensor b);

  /**
   * Copies columns of a matrix into columns of another, or adds them; converts between floating
   * types and rounds once. Tensors of more than two dims are taken as matrices {@code [product of
   * the others, last]} of equally many rows; F64 only goes into F64.
   *
   * @param firstOut first of the columns of out
   * @param firstIn first of the columns of in
   * @param numColumns how many
   */
  void copyColumns(
      Tensor out, int firstOut, Tensor in, int firstIn, int numColumns, Accumulate accumulate);
}
