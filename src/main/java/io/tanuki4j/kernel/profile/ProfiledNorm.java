package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.NormKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Times each call of another {@link NormKernels}, and states its least cost. */
record ProfiledNorm(NormKernels kernels, CallRecorder recorder) implements NormKernels {
  @Override
  public void rmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    recorder.time(
        () -> costOfRmsNormForward(out, rstd, x, weight),
        () -> kernels.rmsNormForward(out, rstd, x, weight, epsilon));
  }

  @Override
  public void addRmsNormForward(
      Tensor sum, Tensor out, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon) {
    recorder.time(
        () -> costOfAddRmsNormForward(sum, out, rstd, x, delta, weight),
        () -> kernels.addRmsNormForward(sum, out, rstd, x, delta, weight, epsilon));
  }

  @Override
  public void rmsNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor rstd,
      Tensor weight,
      @Nullable Tensor residual) {
    recorder.time(
        () -> costOfRmsNormBackward(dx, dWeight, dOut, x, rstd, weight, residual),
        () -> kernels.rmsNormBackward(dx, dWeight, dOut, x, rstd, weight, residual));
  }

  static KernelCall costOfRmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight) {
    return Cost.moved(KernelFamily.NORM, "rmsNormForward", x, Cost.bytes(out, rstd, x, weight));
  }

  static KernelCall costOfAddRmsNormForward(
      Tensor sum, Tensor out, Tensor rstd, Tensor x, Tensor delta, Tensor weight) {
    double bytes = Cost.bytes(sum, out, rstd, x, delta, weight);
    return Cost.moved(KernelFamily.NORM, "addRmsNormForward", x, bytes);
  }

  static KernelCall costOfRmsNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor rstd,
      Tensor weight,
      @Nullable Tensor residual) {
    double read =
        Cost.bytes(dWeight, dOut, x, rstd, weight) + (residual == null ? 0 : Cost.bytes(residual));
    double bytes = read + Cost.bytes(dx, dWeight);
    String shape = residual == null ? x.toString() : x + " +=";
    return new KernelCall(KernelFamily.NORM, "rmsNormBackward", shape, 0, bytes);
  }
}
