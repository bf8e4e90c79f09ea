package io.tanuki4j.nn;

import io.tanuki4j.kernel.ActivationKernels.Function;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Tensor;

/** A function of each number, {@code [s, b, f]} to {@code [s, b, f]}. */
public final class PointwiseActivation extends Activation {
  private final Function function;

  public PointwiseActivation(Kernels kernels, Function function) {
    super(kernels);
    this.function = function;
  }

  @Override
  public long outSize(long inSize) {
    return inSize;
  }

  @Override
  void apply(Tensor out, Tensor x) {
    kernels().activation().forward(function, out, x);
  }

  @Override
  void applyBackward(Tensor dx, Tensor dOut, Tensor x) {
    kernels().activation().backward(function, dx, dOut, x);
  }
}
