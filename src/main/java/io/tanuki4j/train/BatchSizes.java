package io.tanuki4j.train;

import org.jspecify.annotations.Nullable;

/** The global batch size as a function of the consumed samples ({@code --rampup-batch-size}). */
public final class BatchSizes {
  private final int microBatchSize;
  private final int finalSize;
  private final TrainConfig.@Nullable Rampup rampup;

  /** Samples between two increments; not whole in general. */
  private final double samplesPerIncrement;

  /**
   * @throws IllegalArgumentException if a size is no multiple of the micro-batch, or the increments
   *     do not end at the global batch size
   */
  public BatchSizes(int microBatchSize, int finalSize, TrainConfig.@Nullable Rampup rampup) {
    this.microBatchSize = microBatchSize;
    this.finalSize = finalSize;
    this.rampup = rampup;
    requireWhole("global-batch-size", finalSize);
    this.samplesPerIncrement = rampup == null ? 0 : samplesPerIncrement(rampup);
  }

  /** Samples of the iteration that starts after so many consumed ones. */
  public int at(long consumedSamples) {
    if (rampup == null || consumedSamples > rampup.samples()) {
      return finalSize;
    }
    int increments = (int) (consumedSamples / samplesPerIncrement);
    return rampup.start() + increments * rampup.increment();
  }

  /** Micro-batches of the iteration that starts after so many consumed samples. */
  public int numMicrobatches(long consumedSamples) {
    return at(consumedSamples) / microBatchSize;
  }

  /** Micro-batches of a global batch of the final size, as evaluations use. */
  public int finalNumMicrobatches() {
    return finalSize / microBatchSize;
  }

  /**
   * How many whole iterations so many samples are enough for ({@code --train-samples}). Megatron
   * counts one more if a ramp-up is not over by then, and runs out of data in it.
   */
  public long iterationsFor(long trainSamples) {
    long iterations = 0;
    long consumed = 0;
    while (rampup != null
        && consumed <= rampup.samples()
        && consumed + at(consumed) <= trainSamples) {
      consumed += at(consumed);
      iterations++;
    }
    return iterations + (trainSamples - consumed) / finalSize;
  }

  private double samplesPerIncrement(TrainConfig.Rampup ramp) {
    int growth = finalSize - ramp.start();
    if (ramp.increment() <= 0 || growth <= 0 || growth % ramp.increment() != 0) {
      throw new IllegalArgumentException(
          ("rampup-batch-size: %d %d %d (expected: increments that lead from the start to"
                  + " global-batch-size %d). Change --rampup-batch-size.")
              .formatted(ramp.start(), ramp.increment(), ramp.samples(), finalSize));
    }
    requireWhole("rampup-batch-size, start", ramp.start());
    requireWhole("rampup-batch-size, increment", ramp.increment());
    return (double) ramp.samples() / (growth / ramp.increment());
  }

  private void requireWhole(String what, int size) {
    if (size <= 0 || size % microBatchSize != 0) {
      throw new IllegalArgumentException(
          "%s: %d (expected: a multiple of micro-batch-size %d). Change one of them."
              .formatted(what, size, microBatchSize));
    }
  }
}
