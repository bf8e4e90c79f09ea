package io.tanuki4j.kernel;

/**
 * The sizes of a packed projection {@code [s, b, (n + 2g)·d]}: the query heads of a token, then its
 * key heads, then its value heads. Query head i reads key and value head {@code i / (n / g)}.
 *
 * @param seqLength s
 * @param batchSize b
 * @param numHeads n
 * @param numQueryGroups g, a divisor of n
 * @param headDim d
 */
public record AttentionShape(
    int seqLength, int batchSize, int numHeads, int numQueryGroups, int headDim) {
  public AttentionShape {
    if (numQueryGroups < 1 || numHeads % numQueryGroups != 0) {
      throw new IllegalArgumentException(
          "query groups: %d (expected: a divisor of the %d heads)"
              .formatted(numQueryGroups, numHeads));
    }
  }

  /** Returns the width of one token's packed projection, {@code (n + 2g)·d}. */
  public int qkvSize() {
    return (numHeads + 2 * numQueryGroups) * headDim;
  }

  /**
   * Returns the width of one token's keys and values, {@code 2g·d}, with which its projection ends.
   */
  public int keyValueSize() {
    return 2 * numQueryGroups * headDim;
  }

  /** Returns the same sizes for another number of tokens. */
  public AttentionShape withSeqLength(int length) {
    return new AttentionShape(length, batchSize, numHeads, numQueryGroups, headDim);
  }

  /** Returns the width of one token's attention output, {@code n·d}. */
  public int outSize() {
    return numHeads * headDim;
  }
}
