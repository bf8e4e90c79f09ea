package io.tanuki4j.backend.cpu;

/**
 * Consecutive queries of one head, and the keys from the first that any of them sees to the last.
 *
 * @param from index of the first query
 * @param to index after the last query
 * @param firstKey index of the first key
 */
record AttentionTile(AttentionHead head, int from, int to, int firstKey) {
  private static final int NUM_QUERIES = 64;

  static int perHead(AttentionSpan span) {
    return (span.queries().seqLength() + NUM_QUERIES - 1) / NUM_QUERIES;
  }

  static AttentionTile of(AttentionHead head, int index) {
    int from = index * NUM_QUERIES;
    int end = head.span().queries().seqLength();
    int firstKey = head.span().firstKey(from, head.sequence());
    return new AttentionTile(head, from, Math.min(end, from + NUM_QUERIES), firstKey);
  }

  int numQueries() {
    return to - from;
  }

  int numKeys() {
    return endOfKeys() - firstKey;
  }

  private int endOfKeys() {
    return head.span().causal() ? to : head.span().numKeys();
  }

  /** Returns how many of the tile's first keys a query does not see. */
  int hiddenKeys(int query) {
    return head.span().hasDocuments()
        ? head.span().firstKey(from + query, head.sequence()) - firstKey
        : 0;
  }

  /** Returns how many keys a query of the tile sees, after the hidden ones. */
  int visibleKeys(int query) {
    int end = head.span().causal() ? from + query + 1 : endOfKeys();
    return end - firstKey - hiddenKeys(query);
  }

  /** Drops the probabilities of the keys that a query sees. */
  void drop(Row row, int query) {
    head.span().drop(row, head, from + query, firstKey + hiddenKeys(query));
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
    return vectors.matrix(firstKey, head.sequence(), head.group());
  }

  /** Returns the index where the vector of a query begins. */
  long place(HeadVectors vectors, int query) {
    return vectors.place(from + query, head.sequence(), head.head());
  }

  /** Zeroes the vectors of the tile's queries. */
  void zeroQueries(HeadVectors vectors, Scratch scratch) {
    Row zeros = scratch.row(0, vectors.tensor());
    zeros.fill(0, head.headDim());
    for (int i = 0; i < numQueries(); i++) {
      zeros.store(vectors.tensor(), place(vectors, i));
    }
  }
}
