package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import org.jspecify.annotations.Nullable;

/**
 * How often the documents of a split repeat to give the requested samples, by Megatron's
 * arithmetic.
 *
 * @param numEpochs repetitions of all documents
 * @param separateLastEpoch whether the last epoch is shuffled separately, because few of its
 *     samples are needed
 * @param numSamplesBeforeLastEpoch samples that begin in the other epochs; all if the last epoch is
 *     not separate
 * @param numSamples that the epochs give; each shares one token with its successor
 */
record EpochCounts(
    long numEpochs, boolean separateLastEpoch, long numSamplesBeforeLastEpoch, long numSamples) {
  /** The last epoch is shuffled separately if it gives less than this fraction of its samples. */
  private static final double THRESHOLD = 0.80;

  /** With the longest sequences there are (2²⁴) their tokens are counted in 64 bits. */
  private static final long MAX_SAMPLES = 1L << 38;

  /**
   * Computes the counts.
   *
   * @param numTokens of one epoch, at least 1
   * @param numRequested requested samples; null for one epoch
   * @throws UserException if they are too many to count their tokens
   */
  static EpochCounts of(long numTokens, int seqLength, @Nullable Long numRequested) {
    if (numRequested != null && numRequested > MAX_SAMPLES) {
      throw new UserException(
          "data: the run asks for %d samples (expected: at most %d of a split). Lower --train-iters, --eval-iters or --global-batch-size."
              .formatted(numRequested, MAX_SAMPLES));
    }
    long needed = numRequested == null ? 1 : numRequested * seqLength + 1;
    long epochs = Math.max(1, -Math.floorDiv(-needed, numTokens));
    long samples = (Math.multiplyExact(epochs, numTokens) - 1) / seqLength;
    if (epochs == 1 || numRequested == null) {
      return new EpochCounts(1, false, samples, samples);
    }
    long before = ((epochs - 1) * numTokens - 1) / seqLength;
    long perEpoch = (numTokens - 1) / seqLength;
    boolean separate = numRequested - before < (long) (THRESHOLD * perEpoch);
    return new EpochCounts(epochs, separate, separate ? before : samples, samples);
  }
}
