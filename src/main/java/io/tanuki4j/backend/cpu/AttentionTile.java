package io.tanuki4j.backend.cpu;

/**
 * Consecutive queries of one head, and all keys that the last of them sees.
 *
 * @param from position of the first query
 * @param to position after the last query
 */
record AttentionTile(AttentionHead head, int from, int to) {
  private static final int NUM_QUERIES = 64;

  static int perHead(AttentionSpan span) {
    return (span.queries().seqLength() + NUM_QUERIES - 1) / NUM_QUERIES;
  }

  static AttentionTile of(AttentionHead head, int index) {
    int from = index * NUM_QUERIES;
    int end = head.span().queries().seqLength();
    return new AttentionTile(head, from, Math.min(end, from + NUM_QUERIES));
  }

  int numQueries() {
    return to - from;
  }

  int numKeys() {
    return head.span().causal() ? to : head.span().numKeys();
  }

  /** Returns how many keys a query of the tile sees. */
  int visibleKeys(int query) {
    return head.span().causal() ? from + query + 1 : numKeys();
  }

  /** Returns the factor applied to scores before the softmax. */
  double scale() {
    return 1 / Math.sqrt(head.headDim());
  }

  /** Returns the tile's queries, or what belongs to them, as a matrix. */
  Gemm.Matrix ofQueries(HeadVectors vectors) {
    return vectors.matrix(from, head.sequence(), head.head());
  }

  /** Returns the keys or values that the tile sees, or their gradients, as a matrix. */
  Gemm.Matrix ofKeys(HeadVectors vectors) {
    return vectors.matrix(0, head.sequence(), head.group());
  }

  /** Returns the index where the vector of a query begins. */
  long place(HeadVectors vectors, int query) {
    return vectors.place(from + query, head.sequence(), head.head());
  }
}
