package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/**
 * The loss of {@link LossKernels} where the vocabulary is sharded over ranks (Shoeybi et al.,
 * 2019). Each part gives two numbers per token. The loss and the gradient of a part's logits need
 * nothing else from the other parts.
 */
public interface VocabParallelLossKernels {
  /** Numbers per token and part. */
  int NUM_STATISTICS = 2;

  /**
   * Computes the statistics of one part.
   *
   * @param statistics {@code [NUM_STATISTICS, t]}, F32 (F64 for F64): the log-sum-exp of the
   *     token's logits in this part; the logit of its target, 0 if the target is in another part
   * @param logits {@code [t, v]} of the ids {@code firstId} to {@code firstId + v − 1}
   * @param targets {@code [t]}, I32
   */
  void vocabParallelStatistics(Tensor statistics, Tensor logits, Tensor targets, long firstId);

  /**
   * Adds the masked sums of cross entropy and z-loss over these tokens into {@code sums}.
   *
   * @param sums {@code [LossKernels.NUM_SUMS]}, F64
   * @param statistics {@code [parts, NUM_STATISTICS, t]}
   * @param lossMask {@code [t]}, F32: a weight per token, 0 leaves it out
   * @param zLoss coefficient of the z-loss, 0 for none
   */
  void vocabParallelLoss(Tensor sums, Tensor statistics, Tensor lossMask, double zLoss);

  /**
   * Replaces a part's logits by their gradient, see {@link
   * LossKernels#crossEntropyForwardBackward}.
   *
   * @param logits {@code [t, v]} of the ids from {@code firstId} on
   * @param statistics {@code [parts, NUM_STATISTICS, t]}
   * @param gradScale {@code [1]}, F64, on the device
   */
  void vocabParallelLossBackward(
      Tensor logits,
      Tensor statistics,
      Tensor targets,
      Tensor lossMask,
      Tensor gradScale,
      long firstId,
      double zLoss);
}
