package io.tanuki4j.data;

import java.util.Arrays;
import java.util.Random;

/**
 * Micro-batches of uniformly random tokens, all of which count in the loss, to measure a run that
 * needs no data. A few are made at the start and then repeat, so that making them takes no measured
 * time.
 */
public final class RandomBatches implements BatchSource {
  private final TokenBatch[] batches;
  private long consumed;

  /**
   * Makes the batches.
   *
   * @param vocabSize all tokens are below it
   * @param numBatches before the first one repeats
   * @param seed of the tokens
   */
  public RandomBatches(
      int seqLength, int microBatchSize, int vocabSize, int numBatches, long seed) {
    Random random = new Random(seed);
    batches = new TokenBatch[numBatches];
    Arrays.setAll(batches, i -> batch(seqLength, microBatchSize, vocabSize, random));
  }

  private static TokenBatch batch(int seqLength, int batchSize, int vocabSize, Random random) {
    int size = seqLength * batchSize;
    int[] ids = random.ints(size + batchSize, 0, vocabSize).toArray();
    float[] lossMask = new float[size];
    Arrays.fill(lossMask, 1);
    int[] tokens = Arrays.copyOf(ids, size);
    int[] targets = Arrays.copyOfRange(ids, batchSize, batchSize + size);
    return new TokenBatch(seqLength, batchSize, tokens, targets, lossMask);
  }

  @Override
  public TokenBatch next() {
    TokenBatch batch = batches[(int) (consumed / batches[0].batchSize() % batches.length)];
    consumed += batch.batchSize();
    return batch;
  }

  @Override
  public boolean masksTokens() {
    return false;
  }

  @Override
  public long consumedSamples() {
    return consumed;
  }

  /** Returns the largest number there is: the batches repeat forever. */
  @Override
  public long numSamples() {
    return Long.MAX_VALUE;
  }

  @Override
  public void close() {}
}
