package io.tanuki4j.comm.host;

import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.tensor.DType;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Reduces one block of several ranks' elements, in the order of the list. BF16 is summed in fp32
 * and rounded once, to nearest, ties to even. The scratch memory allows one thread at a time.
 */
public final class Reduction {
  /** The maximum number of elements in a block. */
  public static final int BLOCK = 1 << 14;

  private final Accumulator accumulator;

  public Reduction(DType dtype, ReduceOp op) {
    accumulator =
        switch (dtype) {
          case F32, BF16 -> new FloatAccumulator(dtype, op);
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
}
