package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.tensor.Tensor;

/**
 * Attention by tiles of queries, each against all keys that its last query sees. A tile is two
 * matrix products around a softmax of its rows, and only one tile of scores is kept. Sixteen bits
 * are widened to F32, which is exact, and the results are rounded once.
 */
final class CpuAttention implements AttentionKernels {
  private final Workers workers;
  private final CpuElementwise elementwise;

  CpuAttention(Workers workers, CpuElementwise elementwise) {
    this.workers = workers;
    this.elementwise = elementwise;
  }

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape, AttentionMask mask) {
    CallChecks.attention(out, logSumExp, qkv, shape);
    try (Widening widening = widening()) {
      AttentionTensors in = AttentionTensors.packed(widening.in(qkv), shape);
      forward(out, logSumExp, in, AttentionSpan.causal(shape, mask), widening);
    }
  }

  @Override
  public void blockAttentionForward(
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask) {
    CallChecks.attention(out, logSumExp, qkv, block.queries());
    CallChecks.keyValues(keyValues, qkv, block);
    try (Widening widening = widening()) {
      AttentionTensors in =
          AttentionTensors.ofBlock(widening.in(qkv), widening.in(keyValues), block);
      forward(out, logSumExp, in, AttentionSpan.of(block, mask), widening);
    }
  }

  private void forward(
      Tensor out, Tensor logSumExp, AttentionTensors in, AttentionSpan span, Widening widening) {
    AttentionShape queries = span.queries();
    Tensor wideOut = widening.out(out);
    AttentionForward forward =
        new AttentionForward(in, AttentionTensors.outputs(wideOut, queries), logSumExp);
    int tilesPerHead = AttentionTile.perHead(span);
    workers.run(
        queries.batchSize() * queries.numHeads() * tilesPerHead,
        (index, scratch) -> {
          AttentionHead head = AttentionHead.of(span, index / tilesPerHead);
          forward.run(AttentionTile.of(head, index % tilesPerHead), scratch);
        });
    widening.finish(out, wideOut);
  }

  @Override
  public void causalAttentionBackward(
      Tensor dQkv,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionShape shape,
      AttentionMask mask) {
    CallChecks.attention(out, logSumExp, qkv, shape);
    CallChecks.attention(dOut, logSumExp, dQkv, shape);
    try (Widening widening = widening()) {
      Tensor wideDQkv = widening.out(dQkv);
      backward(
          new AttentionBackward(
              AttentionTensors.packed(wideDQkv, shape),
              AttentionTensors.packed(widening.in(qkv), shape),
              AttentionTensors.outputs(widening.in(dOut), shape),
              AttentionTensors.outputs(widening.in(out), shape),
              logSumExp),
          AttentionSpan.causal(shape, mask));
      widening.finish(dQkv, wideDQkv);
    }
  }

  @Override
  public void blockAttentionBackward(
      Tensor dQueries,
      Tensor dKeyValues,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask) {
    AttentionShape queries = block.queries();
    CallChecks.attention(out, logSumExp, qkv, queries);
    CallChecks.attention(dOut, logSumExp, qkv, queries);
    CallChecks.attention(dQueries, logSumExp, qkv, queries);
    CallChecks.keyValues(keyValues, qkv, block);
    CallChecks.keyValues(dKeyValues, qkv, block);
    try (Widening widening = widening()) {
      Tensor wideDQueries = widening.out(dQueries);
      Tensor wideDKeyValues = widening.out(dKeyValues);
      backward(
          new AttentionBackward(
              AttentionTensors.gradients(wideDQueries, wideDKeyValues, block),
              AttentionTensors.ofBlock(widening.in(qkv), widening.in(keyValues), block),
              AttentionTensors.outputs(widening.in(dOut), queries),
              AttentionTensors.outputs(widening.in(out), queries),
              logSumExp),
          AttentionSpan.of(block, mask));
      widening.finish(dQueries, wideDQueries);
      widening.finish(dKeyValues, wideDKeyValues);
    }
  }

  private void backward(AttentionBackward backward, AttentionSpan span) {
    workers.run(
        span.queries().batchSize() * span.queries().numQueryGroups(),
        (index, scratch) -> backward.runGroup(span, index, scratch));
  }

  @Override
  public void mergeAttention(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {
    CallChecks.mergedAttention(out, logSumExp, partOut, partLogSumExp, shape);
    long part = partOut.dim(0) * shape.batchSize();
    AttentionMerge merge = new AttentionMerge(out, logSumExp, partOut, partLogSumExp, shape);
    workers.runParts(part, Rows.perTask(shape.outSize()), merge::run);
  }

  private Widening widening() {
    return new Widening(elementwise, workers.scratch().memory());
  }
}
