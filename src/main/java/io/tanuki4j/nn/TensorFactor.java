package io.tanuki4j.nn;

import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/** Numbers that are in memory. */
record TensorFactor(Tensor tensor, Fp8Kernels fp8) implements Factor {
  @Override
  public Shape shape() {
    return tensor.shape();
  }

  @Override
  public DType dtype() {
    return tensor.dtype();
  }

  @Override
  public Tensor write(MemoryScope scope) {
    return tensor;
  }

  @Override
  public void quantize(Target out, MemoryScope scratch) {
    fp8.quantize(out, tensor);
  }
}
