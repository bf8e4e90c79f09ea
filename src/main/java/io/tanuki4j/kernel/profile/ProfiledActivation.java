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

  @Override
  public void forward(Function function, Tensor out, Tensor x) {
    recorder.time(
        () -> Cost.moved(KernelFamily.ACTIVATION, name(function, "Forward"), x, Cost.bytes(out, x)),
        () -> kernels.forward(function, out, x));
  }

  @Override
  public void backward(Function function, Tensor dx, Tensor dOut, Tensor x) {
    recorder.time(
        () -> costOfBackward(function, dx, dOut, x), () -> kernels.backward(function, dx, dOut, x));
  }

  private static KernelCall costOfBackward(Function function, Tensor dx, Tensor dOut, Tensor x) {
    double bytes = Cost.bytes(dx, dOut, x);
    return Cost.moved(KernelFamily.ACTIVATION, name(function, "Backward"), x, bytes);
  }

  private static String name(Function function, String pass) {
    String name =
        switch (function) {
          case GELU -> "gelu";
          case GELU_TANH -> "geluTanh";
          case SQUARED_RELU -> "squaredRelu";
        };
    return name + pass;
  }

  static KernelCall costOfSwiGluForward(Tensor out, Tensor gateUp) {
    return Cost.moved(KernelFamily.ACTIVATION, "swiGluForward", out, Cost.bytes(out, gateUp));
  }

  static KernelCall costOfSwiGluBackward(Tensor dGateUp, Tensor dOut) {
    double bytes = 2 * Cost.bytes(dGateUp) + Cost.bytes(dOut);
    return Cost.moved(KernelFamily.ACTIVATION, "swiGluBackward", dOut, bytes);
  }
}
