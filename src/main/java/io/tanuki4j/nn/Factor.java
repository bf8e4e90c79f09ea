package io.tanuki4j.nn;

import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * An operand of a product, before it is written. The product chooses the form in which it reads the
 * numbers; the producer writes that form in the pass it makes anyway. One of the two methods is
 * called, once.
 */
public interface Factor {
  Shape shape();

  DType dtype();

  /** Returns them in the type the model computes in, either in place or in memory of the scope. */
  Tensor write(MemoryScope scope);

  /**
   * Writes them in FP8.
   *
   * @param scratch for numbers that no kernel quantizes as it computes them
   */
  void quantize(Target out, MemoryScope scratch);

  /** Returns the numbers of a tensor in memory. */
  static Factor of(Tensor tensor, Fp8Kernels fp8) {
    return new TensorFactor(tensor, fp8);
  }
}
