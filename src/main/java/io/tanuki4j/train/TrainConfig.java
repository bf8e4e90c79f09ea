package io.tanuki4j.train;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How long to train and in which portions.
 *
 * @param lossNormalization what gradients are divided by
 * @param checkForNan whether a loss or norm that is not finite ends the run
 */
public record TrainConfig(
    Batches batches,
    Length length,
    Evaluations evaluations,
    Exits exits,
    LossNormalization lossNormalization,
    boolean checkForNan,
    int seed) {

  /**
   * The samples of an iteration.
   *
   * @param globalBatchSize of all ranks together
   * @param dataParallelSize ranks that share them
   * @param growth up to the global batch; null if it is constant
   */
  public record Batches(
      int microBatchSize, int globalBatchSize, int dataParallelSize, @Nullable Growth growth) {

    /** Returns the number of micro-batches of each rank in a global batch of this size. */
    public int numMicrobatches(int batchSize) {
      return batchSize / (microBatchSize * dataParallelSize);
    }

    /** Returns the samples of the iteration that starts after this many consumed ones. */
    public int batchSize(long consumed) {
      return growth == null ? globalBatchSize : growth.batchSize(consumed, globalBatchSize);
    }
  }

  /**
   * How long to train.
   *
   * @param iterations derived if the run is given in samples
   * @param samples {@code --train-samples}; null if the run is given in iterations
   * @param skipTrain whether to evaluate only
   */
  public record Length(int iterations, @Nullable Long samples, boolean skipTrain) {}

  /**
   * When to evaluate.
   *
   * @param iterations global batches per evaluation; 0 for no evaluation and no test
   */
  public record Evaluations(int interval, int iterations) {}

  /**
   * When to stop early.
   *
   * @param interval stop when the iteration is a multiple of this; null for never
   * @param minutes stop after this time; null for never
   */
  public record Exits(@Nullable Integer interval, @Nullable Double minutes) {}

  /** How the global batch grows with the consumed samples. */
  public sealed interface Growth {
    /**
     * Returns the samples of an iteration, by Megatron's formula.
     *
     * @param consumed samples before the iteration
     * @param full the batch after the growth
     */
    int batchSize(long consumed, int full);

    /** Returns the samples after which the batch is full. */
    long samples();
  }

  /**
   * {@code --rampup-batch-size}: from {@code start} by {@code increment} until {@code samples} are
   * consumed. The growth is a multiple of the increment.
   */
  public record Rampup(int start, int increment, long samples) implements Growth {
    @Override
    public int batchSize(long consumed, int full) {
      if (consumed > samples) {
        return full;
      }
      double samplesPerStep = (double) samples / ((full - start) / increment);
      return start + (int) (consumed / samplesPerStep) * increment;
    }
  }

  /**
   * {@code --step-batch-size-schedule}.
   *
   * @param all the first from sample 0 on, the last with the full batch
   */
  public record Steps(List<Step> all) implements Growth {
    public Steps {
      all = List.copyOf(all);
    }

    @Override
    public int batchSize(long consumed, int full) {
      int size = all.get(0).batchSize();
      for (Step step : all) {
        size = step.fromSample() <= consumed ? step.batchSize() : size;
      }
      return size;
    }

    @Override
    public long samples() {
      return all.get(all.size() - 1).fromSample();
    }
  }

  /** The batch of a {@link Steps} schedule once this many samples are consumed. */
  public record Step(long fromSample, int batchSize) {}
}
