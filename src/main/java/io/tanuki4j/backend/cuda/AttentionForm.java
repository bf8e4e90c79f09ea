package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;

/**
 * What an attention call computes, without its addresses: sizes, the keys a query sees, and the
 * distance between tokens in each operand.
 *
 * @param causal if true, queries, keys and values share one packed projection and a query sees the
 *     keys up to its own position. Otherwise keys and values are separate, and a query sees all of
 *     them
 * @param maxDocuments of a sequence, a power of two; 1 if a query sees all documents
 */
record AttentionForm(AttentionShape queries, int numKeys, boolean causal, int maxDocuments) {
  static AttentionForm causal(AttentionShape shape, AttentionMask mask) {
    return of(shape, shape.seqLength(), true, mask);
  }

  static AttentionForm of(AttentionBlock block, AttentionMask mask) {
    return of(block.queries(), block.numKeys(), false, mask);
  }

  private static AttentionForm of(
      AttentionShape queries, int numKeys, boolean causal, AttentionMask mask) {
    int maxDocuments =
        mask.documentStarts() == null ? 1 : Integer.highestOneBit(2 * mask.maxDocuments() - 1);
    return new AttentionForm(queries, numKeys, causal, maxDocuments);
  }

  boolean hasDocuments() {
    return maxDocuments > 1;
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

  /** Returns how many query heads share a key head. */
  int headsPerGroup() {
    return queries.numHeads() / queries.numQueryGroups();
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
