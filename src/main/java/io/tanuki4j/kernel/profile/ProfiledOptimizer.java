package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.OptimizerKernels;
import io.tanuki4j.tensor.Tensor;

/** Times each call of another {@link OptimizerKernels}, and states its least cost. */
record ProfiledOptimizer(OptimizerKernels kernels, CallRecorder recorder)
    implements OptimizerKernels {
  @Override
  public void sumOfSquares(Tensor out, Tensor x) {
    recorder.time(() -> costOfSumOfSquares(x), () -> kernels.sumOfSquares(out, x));
  }

  @Override
  public void clipFactor(
      Tensor norm, Tensor factor, Tensor sumOfSquares, double maxNorm, double lossScale) {
    recorder.time(
        () -> costOfClipFactor(norm, factor, sumOfSquares),
        () -> kernels.clipFactor(norm, factor, sumOfSquares, maxNorm, lossScale));
  }

  @Override
  public void adamW(
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad,
      Tensor factor,
      AdamWStep step) {
    recorder.time(
        () -> costOfAdamW(weight, master, firstMoment, secondMoment, grad),
        () -> kernels.adamW(weight, master, firstMoment, secondMoment, grad, factor, step));
  }

  static KernelCall costOfSumOfSquares(Tensor x) {
    return Cost.moved(KernelFamily.OPTIMIZER, "sumOfSquares", x, Cost.bytes(x));
  }

  static KernelCall costOfClipFactor(Tensor norm, Tensor factor, Tensor sumOfSquares) {
    return Cost.moved(
        KernelFamily.OPTIMIZER, "clipFactor", norm, Cost.bytes(norm, factor, sumOfSquares));
  }

  /**
   * Returns the cost of an update. A weight apart from its master is written, the gradient is read,
   * everything else is read and written.
   */
  static KernelCall costOfAdamW(
      Tensor weight, Tensor master, Tensor firstMoment, Tensor secondMoment, Tensor grad) {
    double copy = weight.dtype() == master.dtype() ? 0 : Cost.bytes(weight);
    double bytes = copy + 2 * Cost.bytes(master, firstMoment, secondMoment) + Cost.bytes(grad);
    return Cost.moved(KernelFamily.OPTIMIZER, "adamW", weight, bytes);
  }
}
