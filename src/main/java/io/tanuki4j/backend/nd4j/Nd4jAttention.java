package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.tensor.Tensor;

/**
 * Causal attention by tiles of queries, each against all keys up to its last query: a tile of
 * scores is two matrix products around a softmax of its rows, and no more than that is kept. BF16
 * is widened to F32, which is exact, and the results rounded once.
 */
final class Nd4jAttention implements AttentionKernels {
  private final Workers workers;
  private final Nd4jElementwise elementwise;

  Nd4jAttention(Workers workers, Nd4jElementwise elementwise) {
    this.workers = workers;
    this.elementwise = elementwise;
  }

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    check(out, logSumExp, qkv, shape);
    try (Widening widening = new Widening(elementwise, workers.scratch().memory())) {
      Tensor wideOut = widening.out(out);
      AttentionForward forward = new AttentionForward(wideOut, logSumExp, widening.in(qkv));
      int tilesPerHead = AttentionTile.perHead(shape);
      workers.run(
          shape.batchSize() * shape.numHeads() * tilesPerHead,
          (index, scratch) -> {
            AttentionHead head = AttentionHead.of(shape, index / tilesPerHead);
            forward.run(AttentionTile.of(head, index % tilesPerHead), scratch);
          });
      widening.finish(out, wideOut);
    }
  }

  @Override
  public void causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    check(out, logSumExp, qkv, shape);
    check(dOut, logSumExp, dQkv, shape);
    try (Widening widening = new Widening(elementwise, workers.scratch().memory())) {
      Tensor wideDQkv = widening.out(dQkv);
      AttentionBackward backward =
          new AttentionBackward(
              wideDQkv, widening.in(dOut), widening.in(out), logSumExp, widening.in(qkv));
      workers.run(
          shape.batchSize() * shape.numQueryGroups(),
          (index, scratch) -> backward.runGroup(shape, index, scratch));
      widening.finish(dQkv, wideDQkv);
    }
  }

  private static void check(Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    Expect.matrix("qkv of attention", qkv, tokens, shape.qkvSize());
    Expect.matrix("out of attention", out, tokens, shape.outSize());
    Expect.elements("logSumExp of attention", logSumExp, tokens * shape.numHeads());
    Expect.sameType("out of attention", out, qkv);
    Expect.sumType("logSumExp of attention", logSumExp, qkv);
  }
}
