package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.tensor.Tensor;

/** Times each call of another {@link ActivationKernels}, and states its least cost. */
record ProfiledActivation(ActivationKernels kernels, CallRecorder recorder)
    implements ActivationKernels {
  @Override
  public void swiGluForward(Tensor out, Tensor gateUp) {
    recorder.time(() -> costOfSwiGluForward(out, gateUp), () -> kernels.swiGluForward(out, gateUp));
  }

  @Override
  public void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp) {
    recorder.time(
        () -> costOfSwiGluBackward(dGateUp, dOut),
        () -> kernels.swiGluBackward(dGateUp, dOut, gateUp));
  }

  static KernelCall costOfSwiGluForward(Tensor out, Tensor gateUp) {
    return Cost.moved(KernelFamily.ACTIVATION, "swiGluForward", out, Cost.bytes(out, gateUp));
  }

  static KernelCall costOfSwiGluBackward(Tensor dGateUp, Tensor dOut) {
    double bytes = 2 * Cost.bytes(dGateUp) + Cost.bytes(dOut);
    return Cost.moved(KernelFamily.ACTIVATION, "swiGluBackward", dOut, bytes);
  }
}
