package io.tanuki4j.data;

import java.util.Arrays;

/**
 * Makes micro-batches of samples: tokens, their successors, and what the ends of documents change.
 *
 * @param eodId the token that ends a document
 */
public record MicrobatchBuilder(DocumentMasks masks, int eodId) {
  /** Without a look at documents. */
  public static final MicrobatchBuilder PLAIN = new MicrobatchBuilder(DocumentMasks.NONE, -1);

  /**
   * Returns a micro-batch of samples, which are of one length.
   *
   * @param firstSample number of the first in the order of the run
   */
  TokenBatch build(int[][] samples, long firstSample) {
    int batchSize = samples.length;
    int seqLength = samples[0].length - 1;
    int[] tokens = new int[seqLength * batchSize];
    int[] targets = new int[tokens.length];
    for (int j = 0; j < batchSize; j++) {
      for (int i = 0; i < seqLength; i++) {
        tokens[i * batchSize + j] = samples[j][i];
        targets[i * batchSize + j] = samples[j][i + 1];
      }
    }
    return new TokenBatch(
        seqLength,
        batchSize,
        tokens,
        targets,
        lossMask(tokens),
        masks.needsStarts() ? documentStarts(tokens, batchSize) : null,
        firstSample);
  }

  private float[] lossMask(int[] tokens) {
    float[] mask = new float[tokens.length];
    Arrays.fill(mask, 1);
    if (masks.eodMaskLoss()) {
      for (int i = 0; i < mask.length; i++) {
        mask[i] = tokens[i] == eodId ? 0 : 1;
      }
    }
    return mask;
  }

  private int[] documentStarts(int[] tokens, int batchSize) {
    int[] starts = new int[tokens.length];
    for (int i = batchSize; i < tokens.length; i++) {
      int before = i - batchSize;
      starts[i] = tokens[before] == eodId ? i / batchSize : starts[before];
    }
    return starts;
  }
}
