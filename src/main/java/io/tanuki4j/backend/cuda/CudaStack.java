package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A stack of tensors in a list of blocks, each with its own height. A tensor goes into the first
 * block with room; only if none has room is a block added. So the same sequence of pushes from the
 * same mark gets the same addresses. Large tensors leave the rest of a block to small ones.
 */
final class CudaStack {
  /** The alignment that the vector loads of kernels, cuBLASLt and cuDNN prefer. */
  private static final long ALIGNMENT = 512;

  private static final long MIN_BLOCK_BYTES = 64L << 20;

  private final String label;
  private final CudaMemory memory;
  private final List<CudaBlock> blocks = new ArrayList<>();
  private long[] heights = new long[0];
  private long bytesUsed;

  /** The height of each block, and the sum of what lies in them. */
  record Mark(long[] heights, long bytesUsed) {}

  /**
   * @param plannedBytes taken at once; 0 for nothing
   */
  CudaStack(String label, CudaMemory memory, long plannedBytes) {
    this.label = label;
    this.memory = memory;
    if (plannedBytes > 0) {
      addBlock(aligned(plannedBytes));
    }
  }

  Mark mark() {
    return new Mark(heights.clone(), bytesUsed);
  }

  Tensor push(Shape shape, DType dtype) {
    long numBytes = Math.multiplyExact(shape.numElements(), (long) dtype.bytes());
    long step = aligned(numBytes);
    int index = 0;
    while (index < blocks.size() && heights[index] + step > blocks.get(index).bytes()) {
      index++;
    }
    if (index == blocks.size()) {
      addBlock(Math.max(step, MIN_BLOCK_BYTES));
    }
    Tensor tensor = new Tensor(shape, dtype, blocks.get(index), heights[index]);
    heights[index] += step;
    bytesUsed += numBytes;
    return tensor;
  }

  private void addBlock(long bytes) {
    blocks.add(memory.take(label, bytes));
    heights = Arrays.copyOf(heights, blocks.size());
  }

  /** Drops everything pushed since the mark. */
  void backTo(Mark mark) {
    Arrays.fill(heights, 0);
    System.arraycopy(mark.heights(), 0, heights, 0, mark.heights().length);
    bytesUsed = mark.bytesUsed();
  }

  long bytesUsed() {
    return bytesUsed;
  }

  long bytesHeld() {
    return blocks.stream().mapToLong(CudaBlock::bytes).sum();
  }

  void free() {
    blocks.forEach(memory::give);
    blocks.clear();
    heights = new long[0];
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
