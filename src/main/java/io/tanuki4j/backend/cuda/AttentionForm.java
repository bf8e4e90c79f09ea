package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;

/**
 * What an attention call computes, without its addresses: sizes, the keys a query sees, and the
 * distance between tokens in each operand.
 *
 * @param causal if true, queries, keys and values share one packed projection and a query sees the
 *     keys up to its own position. Otherwise keys and values are separate, and a query sees all of
 *     them
 */
record AttentionForm(AttentionShape queries, int numKeys, boolean causal) {
  static AttentionForm causal(AttentionShape shape) {
    return new AttentionForm(shape, shape.seqLength(), true);
  }

  static AttentionForm of(AttentionBlock block) {
    return new AttentionForm(block.queries(), block.numKeys(), false);
  }

  int numQueries() {
    return queries.seqLength();
  }

  /** Returns the number of elements from the queries of a token to those of the next. */
  int queryWidth() {
    return queries.qkvSize();
  }

  /** Returns the same for the gradients of queries. */
  int queryGradWidth() {
    return causal ? queries.qkvSize() : queries.outSize();
  }

  /** Returns the same for keys, for values, and for their gradients. */
  int keyWidth() {
    return causal ? queries.qkvSize() : queries.keyValueSize();
  }

  /** Returns the number of rows of scores: queries of all heads of all sequences. */
  long numRows() {
    return (long) queries.batchSize() * queries.numHeads() * numQueries();
  }

  /** Returns the factor applied to scores before the softmax. */
  float scale() {
    return (float) (1 / Math.sqrt(queries.headDim()));
  }
}
