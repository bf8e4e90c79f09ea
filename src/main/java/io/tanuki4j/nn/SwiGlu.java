package io.tanuki4j.nn;

import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * SwiGLU (Shazeer, 2020) from gate and up side by side, {@code [s, b, 2f]}, to {@code [s, b, f]}.
 * Saves its input, without a copy.
 */
public final class SwiGlu implements Layer<Tensor> {
  private final ActivationKernels kernels;

  public SwiGlu(ActivationKernels kernels) {
    this.kernels = kernels;
  }

  @Override
  public Tensor forward(Tensor out, Tensor gateUp, Microbatch microbatch) {
    kernels.swiGluForward(out, gateUp);
    return gateUp;
  }

  /** dGateUp may be the saved gateUp itself. */
  @Override
  public void backward(Tensor dGateUp, Tensor gateUp, Tensor dOut, Microbatch microbatch) {
    kernels.swiGluBackward(dGateUp, dOut, gateUp);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of();
  }
}
