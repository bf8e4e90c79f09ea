package io.tanuki4j.kernel;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.Tensor;

/**
 * Attention with grouped queries over packed projections; softmax in at least fp32. The matrix of
 * probabilities is never kept (FlashAttention, Dao et al., 2022).
 *
 * <p>Causal attention is over one sequence. Where the keys of a sequence are in several places, it
 * is assembled from blocks (ring attention, Liu et al., 2023). Each gives a partial result, and
 * {@link #mergeAttention} merges two into one. The backward of a block needs only the output and
 * the logarithm of the whole.
 */
public interface AttentionKernels {
  /**
   * Computes {@code out = softmax(mask(q · kᵀ / sqrt(d))) · v} for every head.
   *
   * @param out {@code [s, b, n·d]}
   * @param logSumExp {@code [b, n, s]}, F32 (F64 for F64), natural logarithm of the softmax's
   *     denominator, kept for the backward
   * @param qkv {@code [s, b, (n + 2g)·d]}, already rotated
   * @param mask what a query does not see of the keys up to its own
   */
  void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape, AttentionMask mask);

  /** Computes attention to all keys up to the query's own. */
  default void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    causalAttentionForward(out, logSumExp, qkv, shape, AttentionMask.NONE);
  }

  /**
   * Overwrites dQkv.
   *
   * @param dQkv {@code [s, b, (n + 2g)·d]}
   * @param dOut {@code [s, b, n·d]}
   * @param mask that of the forward
   */
  void causalAttentionBackward(
      Tensor dQkv,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionShape shape,
      AttentionMask mask);

  /** Overwrites dQkv; the backward of attention to all keys up to the query's own. */
  default void causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, shape, AttentionMask.NONE);
  }

  /**
   * Computes {@code out = softmax(q · kᵀ / sqrt(d)) · v} for every head, of all keys.
   *
   * @param out {@code [q, b, n·d]}
   * @param logSumExp {@code [b, n, q]}, as for causal attention
   * @param qkv {@code [q, b, (n + 2g)·d]}, of which only the queries are read
   * @param keyValues {@code [k, b, 2g·d]}: a token's key heads, then its value heads
   * @param mask what a query does not see
   */
  void blockAttentionForward(
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask);

  /** Computes attention of all queries to all keys. */
  default void blockAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, Tensor keyValues, AttentionBlock block) {
    blockAttentionForward(out, logSumExp, qkv, keyValues, block, AttentionMask.NONE);
  }

  /**
   * Computes the block's part of the gradients, given the results of attention to all keys,
   * including the block's. Overwrites dQueries and dKeyValues.
   *
   * @param dQueries {@code [q, b, n·d]}
   * @param dKeyValues {@code [k, b, 2g·d]}
   * @param dOut {@code [q, b, n·d]}
   * @param out {@code [q, b, n·d]}, of all keys
   * @param logSumExp {@code [b, n, q]}, of all keys
   * @param mask that of the block's forward
   */
  void blockAttentionBackward(
      Tensor dQueries,
      Tensor dKeyValues,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask);

  /** Computes the gradients of attention of all queries to all keys. */
  default void blockAttentionBackward(
      Tensor dQueries,
      Tensor dKeyValues,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block) {
    blockAttentionBackward(
        dQueries, dKeyValues, dOut, out, logSumExp, qkv, keyValues, block, AttentionMask.NONE);
  }

  /**
   * Merges attention to some keys with attention to more keys: {@code logSumExp' =
   * log(exp(logSumExp) + exp(partLogSumExp))}, {@code out' = out · exp(logSumExp − logSumExp') +
   * partOut · exp(partLogSumExp − logSumExp')}. The part may cover the last q queries only; the
   * others stay as they are.
   *
   * @param out {@code [s, b, n·d]}, F32 (F64 for F64) or the type of partOut, updated in place
   * @param logSumExp {@code [b, n, s]}, updated in place
   * @param partOut {@code [q, b, n·d]}
   * @param partLogSumExp {@code [b, n, q]}
   * @param shape of all queries; q is the length of partOut
   */
  void mergeAttention(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape);

  /**
   * The sizes of a packed projection {@code [s, b, (n + 2g)·d]}: the query heads of a token, then
   * its key heads, then its value heads. Query head i reads key and value head {@code i / (n / g)}.
   *
   * @param seqLength s
   * @param batchSize b
   * @param numHeads n
   * @param numQueryGroups g, a divisor of n
   * @param headDim d
   */
  record AttentionShape(
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
     * Returns the width of one token's keys and values, {@code 2g·d}, with which its projection
     * ends.
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

  /**
   * The sizes of attention between the queries of some tokens and the keys and values of others,
   * where every query sees every key.
   *
   * @param queries sizes of the packed projection that holds the queries; its length is the number
   *     of queries
   * @param numKeys tokens whose keys and values are seen
   */
  record AttentionBlock(AttentionShape queries, int numKeys) {
    /** Returns the width of one token's keys and values, {@code 2g·d}. */
    public int keyValueSize() {
      return queries.keyValueSize();
    }
  }
}
