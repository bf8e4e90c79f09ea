package io.tanuki4j.train;

import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.SampleCounts;
import io.tanuki4j.error.UserException;
import org.jspecify.annotations.Nullable;

/**
 * The samples that a run still has to take from its data. If they are too few, the run ends before
 * its first iteration, and not hours later. A run that is to exit earlier needs less.
 */
final class SamplesToCome {
  private final TrainConfig config;
  private final Progress start;
  private final long lastIteration;

  SamplesToCome(TrainConfig config, Progress start) {
    this.config = config;
    this.start = start;
    this.lastIteration = Math.max(start.iteration(), lastIteration());
  }

  private long lastIteration() {
    if (config.length().skipTrain()) {
      return start.iteration();
    }
    Integer interval = config.exits().interval();
    long exit = interval == null ? Long.MAX_VALUE : (start.iteration() / interval + 1) * interval;
    return Math.min(exit, config.length().iterations());
  }

  /**
   * Compares what is left of the data with what is to come.
   *
   * @throws UserException if training or validation data do not last
   */
  void require(BatchSources splits) {
    requireTraining(splits.train());
    requireValidation(splits.valid());
  }

  private void requireTraining(@Nullable BatchSource train) {
    long toCome = trainSamples();
    if (train != null && left(train) < toCome) {
      throw new UserException(
          ("training data: %d samples of %d are left (expected: %d, for %d iterations to come). Add"
                  + " data, give each dataset a weight so that it repeats, or lower --train-iters.")
              .formatted(left(train), train.numSamples(), toCome, numIterations()));
    }
  }

  private void requireValidation(@Nullable BatchSource valid) {
    long perIteration = numEvaluations() * config.batches().globalBatchSize();
    long toCome = SampleCounts.product(perIteration, config.evaluations().iterations());
    if (valid != null && left(valid) < toCome) {
      throw new UserException(
          ("validation data: %d samples of %d are left (expected: %d, for %d evaluations to come)."
                  + " Give --eval-iters %s, a higher --eval-interval, or more data.")
              .formatted(
                  left(valid),
                  valid.numSamples(),
                  toCome,
                  numEvaluations(),
                  upTo(left(valid) / perIteration)));
    }
  }

  private static String upTo(long number) {
    return number > 0 ? number + " or less" : "0";
  }

  private static long left(BatchSource source) {
    return Math.max(0, source.numSamples() - source.consumedSamples());
  }

  private long numIterations() {
    return lastIteration - start.iteration();
  }

  private long trainSamples() {
    if (config.batches().growth() == null) {
      return numIterations() * config.batches().globalBatchSize();
    }
    long consumed = start.consumedTrainSamples();
    for (long i = 0; i < numIterations(); i++) {
      consumed += config.batches().batchSize(consumed);
    }
    return consumed - start.consumedTrainSamples();
  }

  /** Counts evaluations during training, and the one after its last iteration. */
  private long numEvaluations() {
    int interval = config.evaluations().interval();
    long during = interval > 0 ? lastIteration / interval - start.iteration() / interval : 0;
    boolean toTheEnd = config.length().skipTrain() || lastIteration >= config.length().iterations();
    return during + (toTheEnd ? 1 : 0);
  }
}
