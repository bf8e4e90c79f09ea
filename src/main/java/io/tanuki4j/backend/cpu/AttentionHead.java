package io.tanuki4j.backend.cpu;

/** One query head of one sequence. */
record AttentionHead(AttentionSpan span, int sequence, int head) {

  /** Returns the head of an index that runs through all sequences. */
  static AttentionHead of(AttentionSpan span, int index) {
    int numHeads = span.queries().numHeads();
    return new AttentionHead(span, index / numHeads, index % numHeads);
  }

  /** Returns the head whose keys and values it reads. */
  int group() {
    return head / (span.queries().numHeads() / span.queries().numQueryGroups());
  }

  int headDim() {
    return span.queries().headDim();
  }

  /** Returns the index of the element in {@code [b, n, q]}. */
  long logSumExp(int position) {
    long row = (long) sequence * span.queries().numHeads() + head;
    return row * span.queries().seqLength() + position;
  }
}
