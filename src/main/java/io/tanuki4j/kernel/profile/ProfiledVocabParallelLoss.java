package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.tensor.Tensor;

/** Times each call of another {@link VocabParallelLossKernels}, and states its least cost. */
record ProfiledVocabParallelLoss(VocabParallelLossKernels kernels, CallRecorder recorder)
    implements VocabParallelLossKernels {
  @Override
  public void vocabParallelStatistics(
      Tensor statistics, Tensor logits, Tensor targets, long firstId) {
    recorder.time(
        () -> costOfVocabParallelStatistics(statistics, logits, targets),
        () -> kernels.vocabParallelStatistics(statistics, logits, targets, firstId));
  }

  @Override
  public void vocabParallelLoss(Tensor sums, Tensor statistics, Tensor lossMask, double zLoss) {
    recorder.time(
        () -> costOfVocabParallelLoss(statistics, lossMask),
        () -> kernels.vocabParallelLoss(sums, statistics, lossMask, zLoss));
  }

  @Override
  public void vocabParallelLossBackward(
      Tensor logits,
      Tensor statistics,
      Tensor targets,
      Tensor lossMask,
      Tensor gradScale,
      long firstId,
      double zLoss) {
    recorder.time(
        () -> costOfVocabParallelLossBackward(logits, statistics, targets, lossMask),
        () ->
            kernels.vocabParallelLossBackward(
                logits, statistics, targets, lossMask, gradScale, firstId, zLoss));
  }

  static KernelCall costOfVocabParallelStatistics(
      Tensor statistics, Tensor logits, Tensor targets) {
    double bytes = Cost.bytes(statistics, logits, targets);
    return Cost.moved(KernelFamily.LOSS, "vocabParallelStatistics", logits, bytes);
  }

  static KernelCall costOfVocabParallelLoss(Tensor statistics, Tensor lossMask) {
    double bytes = Cost.bytes(statistics, lossMask);
    return Cost.moved(KernelFamily.LOSS, "vocabParallelLoss", statistics, bytes);
  }

  static KernelCall costOfVocabParallelLossBackward(
      Tensor logits, Tensor statistics, Tensor targets, Tensor lossMask) {
    double bytes = 2 * Cost.bytes(logits) + Cost.bytes(statistics, targets, lossMask);
    return Cost.moved(KernelFamily.LOSS, "vocabParallelLossBackward", logits, bytes);
  }
}
