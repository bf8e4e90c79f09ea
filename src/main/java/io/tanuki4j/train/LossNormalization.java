package io.tanuki4j.train;

import io.tanuki4j.data.TokenBatch;

/**
 * What the gradient of a micro-batch's summed loss is divided by, as in Megatron-LM. Both are equal
 * where every token counts. The loss that a run reports is always the mean over the counted tokens.
 */
public enum LossNormalization {
  /**
   * The mean over all micro-batches, of all replicas, of each one's mean over its counted tokens:
   * Megatron's default. A micro-batch in which no token counts is a part of the mean, with a loss
   * of 0.
   */
  MICROBATCHES,
  /** The mean over the counted tokens of the global batch: {@code --calculate-per-token-loss}. */
  TOKENS;

  /**
   * Returns the factor for the gradients of a micro-batch.
   *
   * @param numMicrobatches of the global batch, of all replicas
   * @param numTokens of the global batch that count
   */
  double gradScale(TokenBatch batch, long numMicrobatches, double numTokens) {
    return switch (this) {
      case MICROBATCHES -> 1 / (numMicrobatches * Math.max(1, batch.numValidTokens()));
      case TOKENS -> 1 / numTokens;
    };
  }
}
