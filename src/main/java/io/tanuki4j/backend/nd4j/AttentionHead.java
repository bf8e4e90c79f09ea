package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.AttentionShape;

/**
 * One query head of one sequence: where its vectors of each position are in the packed tensors, as
 * indices of elements.
 */
record AttentionHead(AttentionShape shape, int sequence, int head) {

  /** Heads counted through all sequences. */
  static AttentionHead of(AttentionShape shape, int index) {
    return new AttentionHead(shape, index / shape.numHeads(), index % shape.numHeads());
  }

  long query(int position) {
    return inQkv(position, head);
  }

  long key(int position) {
    return inQkv(position, shape.numHeads() + group());
  }

  long value(int position) {
    return inQkv(position, shape.numHeads() + shape.numQueryGroups() + group());
  }

  long out(int position) {
    return position * outStride()
        + (long) sequence * shape.outSize()
        + (long) head * shape.headDim();
  }

  long logSumExp(int position) {
    return ((long) sequence * shape.numHeads() + head) * shape.seqLength() + position;
  }

  /** Elements from one position to the next. */
  long qkvStride() {
    return (long) shape.batchSize() * shape.qkvSize();
  }

  /** Elements from one position to the next. */
  long outStride() {
    return (long) shape.batchSize() * shape.outSize();
  }

  private int group() {
    return head / (shape.numHeads() / shape.numQueryGroups());
  }

  private long inQkv(int position, int packedHead) {
    return position * qkvStride()
        + (long) sequence * shape.qkvSize()
        + (long) packedHead * shape.headDim();
  }
}
