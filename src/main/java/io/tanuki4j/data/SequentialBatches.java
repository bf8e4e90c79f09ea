package io.tanuki4j.data;

import io.tanuki4j.error.UserException;

/**
 * One rank's micro-batches of a dataset in its order, as Megatron-LM's {@code single} sampler gives
 * them. A step has {@code microBatchSize · dpSize} consecutive samples, and rank r takes the r-th
 * {@code microBatchSize} of them. Samples at the end that don't fill a step are left out. The order
 * does not depend on the two sizes, so they may change when a run resumes. Not thread-safe; leaves
 * the dataset open.
 */
public final class SequentialBatches implements BatchSource {
  private final TokenDataset dataset;
  private final String name;
  private final Share share;
  private final MicrobatchBuilder builder;
  private long consumed;

  /**
   * The samples that one rank takes from each step.
   *
   * @param microBatchSize samples of a micro-batch
   * @param dpRank from 0 to {@code dpSize - 1}
   * @param dpSize ranks that share the data
   */
  public record Share(int microBatchSize, int dpRank, int dpSize) {
    public Share {
      if (microBatchSize < 1 || dpRank < 0 || dpRank >= dpSize) {
        throw new IllegalArgumentException(
            "micro-batch size %d, rank %d of %d (expected: a size of 1 or more, a rank below %d)."
                .formatted(microBatchSize, dpRank, dpSize, dpSize));
      }
    }

    /** Returns the number of samples in a step, over all ranks. */
    long samplesPerStep() {
      return (long) microBatchSize * dpSize;
    }
  }

  /**
   * Begins after the consumed samples.
   *
   * @param name of the dataset, for messages: {@code train}
   * @param builder makes micro-batches of samples
   * @param consumedSamples where to continue; 0 for the start
   */
  public SequentialBatches(
      TokenDataset dataset,
      String name,
      Share share,
      MicrobatchBuilder builder,
      long consumedSamples) {
    if (consumedSamples < 0) {
      throw new IllegalArgumentException(
          "%s data: %d consumed samples (expected: 0 or more).".formatted(name, consumedSamples));
    }
    this.dataset = dataset;
    this.name = name;
    this.share = share;
    this.builder = builder;
    this.consumed = consumedSamples;
  }

  @Override
  public TokenBatch next() {
    if (consumed + share.samplesPerStep() > dataset.size()) {
      throw new UserException(
          ("%s data: the next step needs %d samples, but %d of %d are consumed. Add data,"
                  + " give each dataset a weight so that it repeats, or stop earlier.")
              .formatted(name, share.samplesPerStep(), consumed, dataset.size()));
    }
    long first = consumed + (long) share.dpRank() * share.microBatchSize();
    int[][] samples = new int[share.microBatchSize()][];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = dataset.sample(first + i);
    }
    consumed += share.samplesPerStep();
    return builder.build(samples, first);
  }

  @Override
  public boolean masksTokens() {
    return builder.masks().eodMaskLoss();
  }

  @Override
  public long consumedSamples() {
    return consumed;
  }

  @Override
  public long numSamples() {
    return dataset.size();
  }

  @Override
  public void close() {}
}
