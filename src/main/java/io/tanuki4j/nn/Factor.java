package io.tanuki4j.nn;

import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * The numbers that enter a product, before they are written: the product decides in which form it
 * reads them, and what makes them writes that form in the pass it makes anyway. One of the two
 * methods is called, once.
 */
public interface Factor {
  Shape shape();

  DType dtype();

  /** Returns them in the type the model computes in: where they are, or in memory of the scope. */
  Tensor write(MemoryScope scope);

  /** Writes them in eight bits. */
  void quantize(Target out);

  /** Returns the numbers of a tensor that is there. */
  static Factor of(Tensor tensor, Fp8Kernels fp8) {
    return new TensorFactor(tensor, fp8);
  }
}
