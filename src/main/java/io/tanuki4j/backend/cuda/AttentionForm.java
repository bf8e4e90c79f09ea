package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionBlock;
import io.tanuki4j.kernel.AttentionShape;

/**
 * What a call of attention computes, without its addresses: sizes, which keys a query sees, and how
 * far apart the tokens are in each operand.
 *
 * @param causal whether queries, keys and values lie in one packed projection and a query sees the
 *     keys up to its own position; otherwise keys and values lie apart, and it sees all of them
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

  /** Elements from the queries of a token to those of the next. */
  int queryWidth() {
    return queries.qkvSize();
  }

  /** The same for the gradients of queries. */
  int queryGradWidth() {
    return causal ? queries.qkvSize() : queries.outSize();
  }

  /** The same for keys, for values, and for their gradients. */
  int keyWidth() {
    return causal ? queries.qkvSize() : queries.keyValueSize();
  }

  /** Rows of scores: queries of all heads of all sequences. */
  long numRows() {
    return (long) queries.batchSize() * queries.numHeads() * numQueries();
  }

  /** What scores are multiplied by before the softmax. */
  float scale() {
    return (float) (1 / Math.sqrt(queries.headDim()));
  }
}
