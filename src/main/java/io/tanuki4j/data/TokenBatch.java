package io.tanuki4j.data;

/**
 * One micro-batch on the host, sequence first: element {@code i · batchSize + j} is token i of
 * sample j.
 *
 * @param tokens {@code [s, b]}
 * @param targets {@code [s, b]}: the successor of each token
 * @param lossMask {@code [s, b]}: 1, or 0 for tokens that do not count
 */
public record TokenBatch(
    int seqLength, int batchSize, int[] tokens, int[] targets, float[] lossMask) {

  /** Returns the sum of the loss mask: the number of tokens that count. */
  public double numValidTokens() {
    double sum = 0;
    for (float weight : lossMask) {
      sum += weight;
    }
    return sum;
  }
}
