package io.tanuki4j.data;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One micro-batch on the host, sequence first: element {@code i · batchSize + j} is token i of
 * sample j.
 *
 * @param tokens {@code [s, b]}
 * @param targets {@code [s, b]}: the successor of each token
 * @param lossMask {@code [s, b]}: 1, or 0 for tokens that do not count
 * @param documentStarts {@code [s, b]}: the position in its sample where each token's document
 *     begins; null if documents do not matter
 * @param firstSample number of the first sample in the order of the run; the others follow it
 */
public record TokenBatch(
    int seqLength,
    int batchSize,
    int[] tokens,
    int[] targets,
    float[] lossMask,
    int @Nullable [] documentStarts,
    long firstSample) {

  /** Makes a micro-batch of samples without documents, of which the first is the run's first. */
  public TokenBatch(int seqLength, int batchSize, int[] tokens, int[] targets, float[] lossMask) {
    this(seqLength, batchSize, tokens, targets, lossMask, null, 0);
  }

  /** Returns the sum of the loss mask: the number of tokens that count. */
  public double numValidTokens() {
    double sum = 0;
    for (float weight : lossMask) {
      sum += weight;
    }
    return sum;
  }

  /** Returns the position in its sample where each token's document begins, {@code [s, b]}. */
  public int[] starts() {
    return documentStarts == null ? new int[tokens.length] : documentStarts;
  }

  /** Returns the position of each token in its document, {@code [s, b]}. */
  public int[] positions() {
    int[] starts = starts();
    int[] positions = new int[starts.length];
    Arrays.setAll(positions, i -> i / batchSize - starts[i]);
    return positions;
  }

  /** Returns the largest number of documents of a sample. */
  public int maxDocuments() {
    int[] starts = starts();
    int[] counts = new int[batchSize];
    Arrays.fill(counts, 1);
    for (int i = batchSize; i < starts.length; i++) {
      counts[i % batchSize] += starts[i] == starts[i - batchSize] ? 0 : 1;
    }
    return Arrays.stream(counts).max().orElse(1);
  }
}
