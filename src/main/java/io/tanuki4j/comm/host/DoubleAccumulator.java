package io.tanuki4j.comm.host;

import io.tanuki4j.comm.ReduceOp;
import java.nio.ByteBuffer;

/** Reduces F64. */
final class DoubleAccumulator implements Accumulator {
  private final ReduceOp op;
  private final double[] result = new double[Reduction.BLOCK];
  private final double[] next = new double[Reduction.BLOCK];
  private int count;

  DoubleAccumulator(ReduceOp op) {
    this.op = op;
  }

  @Override
  public void set(ByteBuffer values) {
    count = values.remaining() / Double.BYTES;
    values.asDoubleBuffer().get(result, 0, count);
  }

  @Override
  public void add(ByteBuffer values) {
    values.asDoubleBuffer().get(next, 0, count);
    for (int i = 0; i < count; i++) {
      result[i] = op == ReduceOp.SUM ? result[i] + next[i] : Math.max(result[i], next[i]);
    }
  }

  @Override
  public void store(ByteBuffer out) {
    out.asDoubleBuffer().put(result, 0, count);
  }
}
