package io.tanuki4j.data;

import io.tanuki4j.data.SequentialBatches.Share;
import io.tanuki4j.error.UserException;
import org.jspecify.annotations.Nullable;

/**
 * A dataset without end: its samples in a new order in each epoch, as Megatron-LM's {@code cyclic}
 * sampler gives them. Each rank has a part of the samples of its own, which it goes through in the
 * order of PyTorch's {@code randperm}, seeded by the number of the epoch. The order depends on the
 * micro-batch size and the number of ranks. Samples that do not fill a step of all ranks are left
 * out. Not thread-safe; leaves the dataset open.
 */
public final class ShuffledEpochs implements TokenDataset {
  private final TokenDataset dataset;
  private final Share share;
  private final int samplesPerRank;
  private long epoch = -1;
  private int @Nullable [] order;

  /**
   * Shuffles a dataset for one rank.
   *
   * @param name of the dataset, for messages: {@code train}
   * @param consumedSamples where the rank will continue; 0 for the start
   * @throws UserException if there is too little data for one step, or the run continues between
   *     two steps of this share
   */
  public ShuffledEpochs(TokenDataset dataset, String name, Share share, long consumedSamples) {
    this.dataset = dataset;
    this.share = share;
    long step = share.samplesPerStep();
    long numSteps = dataset.size() / step;
    if (numSteps == 0) {
      throw new UserException(
          "%s data: %d samples (expected: at least the %d of a step, with --dataloader-type cyclic). Add data."
              .formatted(name, dataset.size(), step));
    }
    if (consumedSamples % (numSteps * step) % step != 0) {
      throw new UserException(
          "%s data: %d consumed samples (expected: whole steps of %d samples since an epoch of %d began, with --dataloader-type cyclic). Resume with the micro-batch size and data-parallel size of before."
              .formatted(name, consumedSamples, step, numSteps * step));
    }
    samplesPerRank = Math.toIntExact(numSteps * share.microBatchSize());
  }

  @Override
  public long size() {
    return Long.MAX_VALUE;
  }

  /**
   * Returns a sample.
   *
   * @param index number in the order of the run, all ranks' samples counted
   */
  @Override
  public int[] sample(long index) {
    long samplesPerEpoch = (long) samplesPerRank * share.dpSize();
    long inEpoch = index % samplesPerEpoch;
    long step = inEpoch / share.samplesPerStep();
    long rank = inEpoch % share.samplesPerStep() / share.microBatchSize();
    int turn = (int) (step * share.microBatchSize() + inEpoch % share.microBatchSize());
    return dataset.sample(rank * samplesPerRank + order(index / samplesPerEpoch)[turn]);
  }

  private int[] order(long number) {
    int[] found = order;
    if (found == null || number != epoch) {
      found = new NumpyRandom((int) number).torchPermutation(samplesPerRank);
      order = found;
      epoch = number;
    }
    return found;
  }

  @Override
  public void close() {}
}
