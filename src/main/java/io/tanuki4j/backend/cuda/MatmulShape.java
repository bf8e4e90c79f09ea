package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;

/**
 * What an algorithm for {@code out[m, n] (+)= opA(a) · opB(b)} depends on, all row-major.
 *
 * @param b of the same type as a, unless both are FP8
 * @param out the type of out
 * @param add whether the product is added to out
 * @param fast whether sums of FP8 products stay in the matrix unit
 * @param alignment of the least aligned tensor, in bytes, at most 256
 */
record MatmulShape(
    Factor a, Factor b, Sizes sizes, DType out, boolean add, boolean fast, int alignment) {
  /** One of the two matrices. */
  record Factor(Op op, DType type) {
    boolean isTransposed() {
      return op == Op.TRANSPOSE;
    }
  }

  /**
   * The sizes of the product.
   *
   * @param k the dim that is summed over
   */
  record Sizes(long m, long n, long k) {}

  /** Returns the key of the file that keeps the fastest algorithm: a new text tunes again. */
  @Override
  public String toString() {
    return "MatmulShape[opA=%s, opB=%s, m=%d, n=%d, k=%d, inA=%s, inB=%s, out=%s, add=%s, fast=%s, alignment=%d]"
        .formatted(
            a.op(), b.op(), sizes.m(), sizes.n(), sizes.k(), a.type(), b.type(), out, add, fast,
            alignment);
  }
}
