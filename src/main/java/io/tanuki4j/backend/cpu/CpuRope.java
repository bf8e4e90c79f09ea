package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.RopeKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Rotary position embedding in place, token by token. */
final class CpuRope implements RopeKernels {
  private final Workers workers;

  CpuRope(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void ropeForward(
      Tensor qkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape) {
    rotate(qkv, new Table(cos, sin, rows), shape, 1);
  }

  @Override
  public void ropeBackward(
      Tensor dQkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape) {
    rotate(dQkv, new Table(cos, sin, rows), shape, -1);
  }

  private record Table(Tensor cos, Tensor sin, @Nullable Tensor rows) {
    long row(long token, int batchSize) {
      return rows == null ? token / batchSize : Elements.getInt(rows, token);
    }
  }

  private void rotate(Tensor qkv, Table table, AttentionShape shape, double direction) {
    int half = Rows.columns(table.cos());
    CallChecks.rope(qkv, table.cos(), table.sin(), table.rows(), shape);
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
            long place = table.row(i, shape.batchSize()) * half;
            c.load(table.cos(), place, half);
            s.load(table.sin(), place, half);
            token.load(qkv, i * width, rotated);
            for (int head = 0; head < rotated; head += shape.headDim()) {
              token.rotate(head, half, c, s, direction);
            }
            token.store(qkv, i * width);
          }
        });
  }
}
