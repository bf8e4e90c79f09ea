package io.tanuki4j.comm.host;

import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.tensor.DType;
import java.nio.ByteBuffer;

/** Reduces F32, and BF16 in fp32. */
final class FloatAccumulator implements Accumulator {
  private static final int HALFWAY = 0x8000;
  private static final int QUIET = 0x40;

  private final ReduceOp op;
  private final float[] result = new float[Reduction.BLOCK];
  private final float[] next = new float[Reduction.BLOCK];
  private final short[] halves; // empty for F32
  private int count;

  FloatAccumulator(DType dtype, ReduceOp op) {
    this.op = op;
    halves = new short[dtype == DType.BF16 ? Reduction.BLOCK : 0];
  }

  @Override
  public void set(ByteBuffer values) {
    count = load(values, result);
  }

  @Override
  public void add(ByteBuffer values) {
    load(values, next);
    if (op == ReduceOp.SUM) {
      for (int i = 0; i < count; i++) {
        result[i] += next[i];
      }
    } else {
      for (int i = 0; i < count; i++) {
        result[i] = Math.max(result[i], next[i]);
      }
    }
  }

  private int load(ByteBuffer values, float[] to) {
    if (halves.length == 0) {
      int n = values.remaining() / Float.BYTES;
      values.asFloatBuffer().get(to, 0, n);
      return n;
    }
    int n = values.remaining() / Short.BYTES;
    values.asShortBuffer().get(halves, 0, n);
    for (int i = 0; i < n; i++) {
      to[i] = Float.intBitsToFloat(halves[i] << 16);
    }
    return n;
  }

  @Override
  public void store(ByteBuffer out) {
    if (halves.length == 0) {
      out.asFloatBuffer().put(result, 0, count);
      return;
    }
    for (int i = 0; i < count; i++) {
      halves[i] = toBf16(result[i]);
    }
    out.asShortBuffer().put(halves, 0, count);
  }

  /** Rounds to nearest, ties to even; NaN stays NaN. */
  private static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | QUIET);
    }
    int tiesToEven = (bits >>> 16) & 1;
    return (short) ((bits + HALFWAY - 1 + tiesToEven) >>> 16);
  }
}
