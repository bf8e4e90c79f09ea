package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Rows and off-heap memory of one thread, kept from task to task; their contents are undefined. */
final class Scratch implements AutoCloseable {
  private static final int NUM_ROWS = 6;

  private final DoubleRow[] doubles = new DoubleRow[NUM_ROWS];
  private final FloatRow[] floats = new FloatRow[NUM_ROWS];
  private final BlockStack memory = new BlockStack("scratch of operations", 0);

  Scratch() {
    for (int i = 0; i < NUM_ROWS; i++) {
      doubles[i] = new DoubleRow();
      floats[i] = new FloatRow();
    }
  }

  /**
   * Returns a row to compute with elements of this tensor.
   *
   * @param number another number is another row
   */
  Row row(int number, Tensor like) {
    return like.dtype() == DType.F64 ? doubles[number] : floats[number];
  }

  /** Returns off-heap memory; whoever pushes must restore the stack afterwards. */
  BlockStack memory() {
    return memory;
  }

  @Override
  public void close() {
    memory.free();
  }
}
