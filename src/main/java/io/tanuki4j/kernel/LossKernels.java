package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/**
 * Cross entropy over the whole (padded) vocabulary, with the z-loss of PaLM (Chowdhery et al.,
 * 2022): per token {@code log Z − logit[target] + zLoss · (log Z)²}.
 */
public interface LossKernels {
  /** Index of the sum of cross entropies in the tensor of sums. */
  int CROSS_ENTROPY = 0;

  /** Index of the sum of z-loss terms. */
  int Z_LOSS = 1;

  /** Size of the tensor of sums. */
  int NUM_SUMS = 2;

  /**
   * Adds the masked sums over these tokens into {@code sums}.
   *
   * @param sums {@code [NUM_SUMS]}, F64
   * @param logits {@code [t, v]}
   * @param targets {@code [t]}, I32
   * @param lossMask {@code [t]}, F32: a weight per token, 0 leaves it out
   * @param zLoss coefficient of the z-loss, 0 for none
   */
  void crossEntropyForward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, double zLoss);

  /**
   * Adds the same sums, and replaces the logits by the gradient of {@code gradScale · (cross
   * entropy + z-loss)}: {@code gradScale · mask · (p · (1 + 2 · zLoss · log Z) − [v = target])}.
   *
   * @param gradScale {@code [1]}, F64, on the device: for example 1 / tokens of the global batch
   */
  void crossEntropyForwardBackward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, Tensor gradScale, double zLoss);
}
