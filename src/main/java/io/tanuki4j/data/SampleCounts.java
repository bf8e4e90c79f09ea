package io.tanuki4j.data;

import org.jspecify.annotations.Nullable;

/**
 * Samples that a run requests from each split; the data may give more.
 *
 * @param train 0 for none; likewise valid and test
 */
public record SampleCounts(long train, long valid, long test) {

  /**
   * Returns what Megatron requests for a whole run.
   *
   * @param trainIterations of the run
   * @param trainSamples {@code --train-samples}; null if the run is given in iterations
   * @param globalBatchSize the final one, if it grows
   * @param evalInterval iterations between evaluations; 0 for none before the end
   * @param evalIterations global batches of an evaluation
   */
  public static SampleCounts of(
      long trainIterations,
      @Nullable Long trainSamples,
      long globalBatchSize,
      long evalInterval,
      long evalIterations) {
    long evaluation = product(evalIterations, globalBatchSize);
    long train = trainSamples != null ? trainSamples : product(trainIterations, globalBatchSize);
    long during = evalInterval > 0 ? trainIterations / evalInterval : 0;
    return new SampleCounts(train, product(during + 1, evaluation), evaluation);
  }

  /** Returns the product of two counts, or the largest number there is if it is larger. */
  public static long product(long a, long b) {
    return Math.multiplyHigh(a, b) == 0 && a * b >= 0 ? a * b : Long.MAX_VALUE;
  }

  long of(Split split) {
    return switch (split) {
      case TRAIN -> train;
      case VALID -> valid;
      case TEST -> test;
    };
  }
}
