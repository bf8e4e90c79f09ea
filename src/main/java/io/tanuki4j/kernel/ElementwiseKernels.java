package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/** Fill, copy, add, scale: whole tensors, columns of them, or one row to each of theirs. */
public interface ElementwiseKernels {
  void fill(Tensor out, double value);

  /** Copies and converts between floating types (rounds to nearest, ties to even). */
  void copy(Tensor out, Tensor in);

  /** Computes {@code out = a + b}; out may be one of them. */
  void add(Tensor out, Tensor a, Tensor b);

  /**
   * Multiplies each element by a number, as PyTorch does: the factor and the product are rounded to
   * fp32 (F64 keeps both), and the product then to the type of x.
   *
   * @param x of a floating type
   */
  void scale(Tensor x, double factor);

  /**
   * Sums parts in their order, and rounds once.
   *
   * @param out of the size of one part
   * @param parts one after another, of the type of out
   */
  void sumParts(Tensor out, Tensor parts);

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

  /**
   * Adds one row to each row: a bias.
   *
   * @param x {@code [t, c]}
   * @param row {@code [c]}, of the type of x
   */
  void addToRows(Tensor x, Tensor row);

  /**
   * Adds the sum over all rows, which is the gradient of {@link #addToRows} by its row. The order
   * does not depend on threads.
   *
   * @param sum {@code [c]}, F32 (F64 for F64) or the type of x, added to and rounded once
   * @param x {@code [t, c]}
   */
  void addSumOfRows(Tensor sum, Tensor x);
}
