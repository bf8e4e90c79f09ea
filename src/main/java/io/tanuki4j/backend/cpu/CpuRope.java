package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.RopeKernels;
import io.tanuki4j.tensor.Tensor;

/** Rotary position embedding in place, token by token. */
final class CpuRope implements RopeKernels {
  private final Workers workers;

  CpuRope(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void ropeForward(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
    rotate(qkv, cos, sin, shape, 1);
  }

  @Override
  public void ropeBackward(Tensor dQkv, Tensor cos, Tensor sin, AttentionShape shape) {
    rotate(dQkv, cos, sin, shape, -1);
  }

  private void rotate(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape, double direction) {
    int half = Rows.columns(cos);
    check(qkv, cos, sin, shape, half);
    int width = shape.qkvSize();
    int rotated = (shape.numHeads() + shape.numQueryGroups()) * shape.headDim();
    workers.runParts(
        (long) shape.seqLength() * shape.batchSize(),
        Rows.perTask(width),
        (from, to, scratch) -> {
          Row token = scratch.row(0, qkv);
          Row c = scratch.row(1, qkv);
          Row s = scratch.row(2, qkv);
          for (long i = from; i < to; i++) {
            long position = i / shape.batchSize();
            c.load(cos, position * half, half);
            s.load(sin, position * half, half);
            token.load(qkv, i * width, rotated);
            for (int head = 0; head < rotated; head += shape.headDim()) {
              token.rotate(head, half, c, s, direction);
            }
            token.store(qkv, i * width);
          }
        });
  }

  private static void check(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape, int half) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    Expect.matrix("qkv of rope", qkv, tokens, shape.qkvSize());
    Expect.matrix("cos of rope", cos, shape.seqLength(), half);
    Expect.matrix("sin of rope", sin, shape.seqLength(), half);
    Expect.sumType("cos of rope", cos, qkv);
    Expect.sumType("sin of rope", sin, qkv);
    if (2 * half > shape.headDim()) {
      throw new IllegalArgumentException(
          "rope: rotary dim %d (expected: at most the head dim %d)"
              .formatted(2 * half, shape.headDim()));
    }
  }
}
