package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.AttentionShape;

/**
 * Consecutive queries of one head, and all keys that the last of them sees.
 *
 * @param from position of the first query
 * @param to position after the last query; also the number of keys
 */
record AttentionTile(AttentionHead head, int from, int to) {
  private static final int NUM_QUERIES = 64;

  static int perHead(AttentionShape shape) {
    return (shape.seqLength() + NUM_QUERIES - 1) / NUM_QUERIES;
  }

  static AttentionTile of(AttentionHead head, int index) {
    int from = index * NUM_QUERIES;
    return new AttentionTile(head, from, Math.min(head.shape().seqLength(), from + NUM_QUERIES));
  }

  int numQueries() {
    return to - from;
  }

  int numKeys() {
    return to;
  }

  /** Keys that a query of the tile sees. */
  int visibleKeys(int query) {
    return from + query + 1;
  }

  /** What scores are multiplied by before the softmax. */
  double scale() {
    return 1 / Math.sqrt(head.shape().headDim());
  }
}
