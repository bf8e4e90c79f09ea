package io.tanuki4j.comm;

import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Reduces one block of several ranks' elements, in the order of the list. Sixteen bits are summed
 * in fp32 and rounded once, to nearest, ties to even. The scratch memory allows one thread at a
 * time.
 */
public final class Reduction {
  /** The maximum number of elements in a block. */
  public static final int BLOCK = 1 << 14;

  private final Accumulator accumulator;

  public Reduction(DType dtype, ReduceOp op) {
    accumulator =
        switch (dtype) {
          case F32, BF16, F16 -> new FloatAccumulator(dtype, op);
          case F64 -> new DoubleAccumulator(op);
          case I32, I64 -> new LongAccumulator(dtype, op);
          case F8_E4M3, F8_E5M2 ->
              throw new IllegalArgumentException(dtype + " (expected: a type that has sums)");
        };
  }

  /**
   * Reduces the inputs. Buffers begin with the first element and end with the last.
   *
   * @param results all get the same values; they may share the inputs' memory
   */
  public void reduce(List<ByteBuffer> inputs, List<ByteBuffer> results) {
    accumulator.set(inputs.get(0));
    for (ByteBuffer input : inputs.subList(1, inputs.size())) {
      accumulator.add(input);
    }
    ByteBuffer first = results.get(0);
    accumulator.store(first);
    for (ByteBuffer result : results.subList(1, results.size())) {
      result.put(0, first, 0, first.remaining());
    }
  }

  /** A block's values in the type in which they are reduced. */
  private interface Accumulator {
    /** Sets the first rank's values. */
    void set(ByteBuffer values);

    /** Reduces with the next rank's values, of the same number. */
    void add(ByteBuffer values);

    /** Writes the values, as many as were set, in their own type. */
    void store(ByteBuffer out);
  }

  /** Reduces F32, and sixteen bits in fp32. */
  private static final class FloatAccumulator implements Accumulator {
    private final DType dtype;
    private final ReduceOp op;
    private final float[] result = new float[BLOCK];
    private final float[] next = new float[BLOCK];
    private final short[] halves; // empty for F32
    private int count;

    FloatAccumulator(DType dtype, ReduceOp op) {
      this.dtype = dtype;
      this.op = op;
      halves = new short[dtype.isFloat16() ? BLOCK : 0];
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
        to[i] = Float16.toFloat(halves[i], dtype);
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
        halves[i] = Float16.fromFloat(result[i], dtype);
      }
      out.asShortBuffer().put(halves, 0, count);
    }
  }

  /** Reduces F64. */
  private static final class DoubleAccumulator implements Accumulator {
    private final ReduceOp op;
    private final double[] result = new double[BLOCK];
    private final double[] next = new double[BLOCK];
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

  /** Reduces I64 and I32; sums wrap around in their own type. */
  private static final class LongAccumulator implements Accumulator {
    private final boolean ints;
    private final ReduceOp op;
    private final long[] result = new long[BLOCK];
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
}
