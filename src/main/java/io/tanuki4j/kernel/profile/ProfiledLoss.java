package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.tensor.Tensor;

/** Times each call of another {@link LossKernels}, and states its least cost. */
record ProfiledLoss(LossKernels kernels, CallRecorder recorder) implements LossKernels {
  @Override
  public void crossEntropyForward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, double zLoss) {
    recorder.time(
        () -> costOfCrossEntropyForward(logits, targets, lossMask),
        () -> kernels.crossEntropyForward(sums, logits, targets, lossMask, zLoss));
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, Tensor gradScale, double zLoss) {
    recorder.time(
        () -> costOfCrossEntropyForwardBackward(logits, targets, lossMask),
        () ->
            kernels.crossEntropyForwardBackward(sums, logits, targets, lossMask, gradScale, zLoss));
  }

  static KernelCall costOfCrossEntropyForward(Tensor logits, Tensor targets, Tensor lossMask) {
    double bytes = Cost.bytes(logits, targets, lossMask);
    return Cost.moved(KernelFamily.LOSS, "crossEntropyForward", logits, bytes);
  }

  static KernelCall costOfCrossEntropyForwardBackward(
      Tensor logits, Tensor targets, Tensor lossMask) {
    double bytes = 2 * Cost.bytes(logits) + Cost.bytes(targets, lossMask);
    return Cost.moved(KernelFamily.LOSS, "crossEntropyForwardBackward", logits, bytes);
  }
}
