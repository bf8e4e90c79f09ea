package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/** Fill, copy, add. */
public interface ElementwiseKernels {
  void fill(Tensor out, double value);

  /** Copies, and converts between floating types (to BF16: to nearest, ties to even). */
  void copy(Tensor out, Tensor in);

  /** {@code out = a + b}; out may be one of them. */
  void add(Tensor out, Tensor a, Tensor b);
}
