package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/** Matrix products. */
public interface MatmulKernels {
  /** How a matrix enters a product. */
  enum Op {
    NONE,
    TRANSPOSE
  }

  /**
   * Computes {@code out = opA(a) · opB(b)}, or {@code out += …}, accumulated in at least fp32.
   * Tensors of more than two dims are matrices {@code [product of the others, last]}.
   *
   * <p>Types: a and b agree; out has their type, or is F32 while they have sixteen bits (the
   * gradients of weights). A product that is added to sixteen bits may be rounded before it is
   * added.
   */
  void matmul(Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate);
}
