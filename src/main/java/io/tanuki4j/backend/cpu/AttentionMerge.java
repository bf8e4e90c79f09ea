package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.Tensor;

/**
 * Merges two partial results into one; tensors as in {@link io.tanuki4j.kernel.AttentionKernels}.
 */
record AttentionMerge(
    Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {

  /**
   * Merges the heads of some tokens.
   *
   * @param from the first, counted through the positions and sequences of the part
   * @param to after the last
   */
  void run(long from, long to, Scratch scratch) {
    for (long token = from; token < to; token++) {
      for (int head = 0; head < shape.numHeads(); head++) {
        merge(token, head, scratch);
      }
    }
  }

  private void merge(long token, int head, Scratch scratch) {
    long part = partOut.dim(0);
    long skipped = shape.seqLength() - part;
    long position = token / shape.batchSize();
    long sequence = token % shape.batchSize();
    long row = sequence * shape.numHeads() + head;
    long place = row * shape.seqLength() + skipped + position;
    double before = Elements.get(logSumExp, place);
    double added = Elements.get(partLogSumExp, row * part + position);
    double merged = Math.max(before, added) + Math.log1p(Math.exp(-Math.abs(before - added)));

    long first = (token * shape.numHeads() + head) * shape.headDim();
    long target = first + skipped * shape.batchSize() * shape.outSize();
    Row sum = scratch.row(0, out);
    Row summand = scratch.row(1, out);
    sum.load(out, target, shape.headDim());
    summand.load(partOut, first, shape.headDim());
    sum.combine(Math.exp(before - merged), Math.exp(added - merged), summand);
    sum.store(out, target);
    Elements.set(logSumExp, place, merged);
  }
}
