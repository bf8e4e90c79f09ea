package io.tanuki4j.backend.host;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Tensors pushed onto a list of blocks. Blocks are only ever added at the end. A tensor takes the
 * first block with room, from the current one on. So the same sequence of pushes from the same mark
 * gets the same addresses.
 */
public final class BlockStack {
  private static final long ALIGNMENT = 64;

  /** Memory that is never touched costs no page, so small scopes may have a large block. */
  private static final long MIN_BLOCK_BYTES = 64L << 20;

  private final String owner;
  private final List<Block> blocks = new ArrayList<>();
  private int current;
  private long top;
  private long bytesUsed;

  /**
   * @param owner named if there is not enough memory
   * @param plannedBytes of a first block to take at once, 0 for none
   */
  public BlockStack(String owner, long plannedBytes) {
    this.owner = owner;
    if (plannedBytes > 0) {
      blocks.add(new Block(aligned(plannedBytes), owner));
    }
  }

  /** A height of the stack. */
  public record Mark(int block, long top, long bytesUsed) {}

  public Mark mark() {
    return new Mark(current, top, bytesUsed);
  }

  public Tensor push(Shape shape, DType dtype) {
    long numBytes = Math.multiplyExact(shape.numElements(), (long) dtype.bytes());
    long step = aligned(numBytes);
    makeRoom(step);
    Tensor tensor = new Tensor(shape, dtype, blocks.get(current), top);
    top += step;
    bytesUsed += step;
    return tensor;
  }

  private void makeRoom(long step) {
    while (current < blocks.size() && top + step > blocks.get(current).bytes()) {
      current++;
      top = 0;
    }
    if (current == blocks.size()) {
      blocks.add(new Block(Math.max(step, MIN_BLOCK_BYTES), owner));
    }
  }

  private static long aligned(long numBytes) {
    return (numBytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  public void backTo(Mark mark) {
    current = mark.block();
    top = mark.top();
    bytesUsed = mark.bytesUsed();
  }

  long bytesUsed() {
    return bytesUsed;
  }

  long bytesHeld() {
    return blocks.stream().mapToLong(Block::bytes).sum();
  }

  /** Frees every block. */
  public void free() {
    blocks.forEach(Block::close);
    blocks.clear();
  }
}
