package io.tanuki4j.nn;

import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;

/**
 * SwiGLU (Shazeer, 2020) from gate and up side by side, {@code [s, b, 2f]}, to {@code [s, b, f]}.
 */
public final class SwiGlu extends Activation {
  public SwiGlu(Kernels kernels) {
    super(kernels);
  }

  @Override
  public long outSize(long inSize) {
    return inSize / 2;
  }

  @Override
  void apply(Tensor out, Tensor x) {
    kernels().activation().swiGluForward(out, x);
  }

  @Override
  void applyBackward(Tensor dx, Tensor dOut, Tensor x) {
    kernels().activation().swiGluBackward(dx, dOut, x);
  }

  @Override
  void quantize(Target out, Tensor x, MemoryScope scratch) {
    kernels().fp8().quantizeSwiGlu(out, x);
  }

  @Override
  void quantizeBackward(Target dx, Tensor dOut, Tensor x, MemoryScope scratch) {
    kernels().fp8().quantizeSwiGluBackward(dx, dOut, x);
  }
}
