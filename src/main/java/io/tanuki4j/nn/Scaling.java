package io.tanuki4j.nn;

import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.tensor.Tensor;

/**
 * Multiplies hidden states by a constant. Its backward is itself, applied to the gradient.
 *
 * @param factor 1 leaves them as they are
 */
public record Scaling(ElementwiseKernels kernels, double factor) {
  /** Multiplies {@code [s, b, h]} in place. */
  public void apply(Tensor x) {
    if (factor != 1) {
      kernels.scale(x, factor);
    }
  }
}
