package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/**
 * Rows of a table by token id. The table may be a shard: an id that is not here belongs to another
 * rank's shard. The host checks that ids are in the vocabulary when it makes a batch.
 */
public interface EmbeddingKernels {
  /**
   * Copies the tokens' rows.
   *
   * @param out {@code [t, h]}; zeros for a token that is not here
   * @param tokens {@code [t]}, I32
   * @param weight {@code [v, h]}: rows {@code firstRow} to {@code firstRow + v − 1}
   */
  void embeddingForward(Tensor out, Tensor tokens, Tensor weight, long firstRow);

  /**
   * Adds each token's dOut to its row, in an order that does not depend on threads. Tokens that are
   * not here are skipped.
   *
   * @param dWeight {@code [v, h]}, F32 (F64 for F64) or the type of dOut, added to; a row's sum
   *     over these tokens is rounded once
   * @param dOut {@code [t, h]}
   */
  void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens, long firstRow);
}
