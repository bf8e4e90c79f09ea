package io.tanuki4j.comm.host;

import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.tensor.DType;
import java.nio.ByteBuffer;

/** Reduces I64 and I32; sums wrap around in their own type. */
final class LongAccumulator implements Accumulator {
  private final boolean ints;
  private final ReduceOp op;
  private final long[] result = new long[Reduction.BLOCK];
  private int count;

  LongAccumulator(DType dtype, ReduceOp op) {
    this.ints = dtype == DType.I32;
    this.op = op;
  }

  @Override
  public void set(ByteBuffer values) {
    count = values.remaining() / (ints ? Integer.BYTES : Long.BYTES);
    for (int i = 0; i < count; i++) {
      result[i] = get(values, i);
    }
  }

  @Override
  public void add(ByteBuffer values) {
    for (int i = 0; i < count; i++) {
      long next = get(values, i);
      result[i] = op == ReduceOp.SUM ? result[i] + next : Math.max(result[i], next);
    }
  }

  private long get(ByteBuffer values, int i) {
    return ints ? values.getInt(i * Integer.BYTES) : values.getLong(i * Long.BYTES);
  }

  @Override
  public void store(ByteBuffer out) {
    for (int i = 0; i < count; i++) {
      if (ints) {
        out.putInt(i * Integer.BYTES, (int) result[i]);
      } else {
        out.putLong(i * Long.BYTES, result[i]);
      }
    }
  }
}
