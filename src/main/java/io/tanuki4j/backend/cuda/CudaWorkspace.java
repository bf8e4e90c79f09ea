package io.tanuki4j.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Temporary memory of the operations of one stream. They run one after the other, so all share one
 * block, as large as the most demanding one needs. It grows before it is used, never in a
 * recording.
 */
final class CudaWorkspace implements AutoCloseable {
  private static final long GRANULARITY = 2L << 20;

  private final CudaMemory memory;
  private final List<CudaBlock> replaced = new ArrayList<>();
  private @Nullable CudaBlock block;
  private int numReplays;

  CudaWorkspace(CudaMemory memory) {
    this.memory = memory;
  }

  /** Returns the address of at least this many bytes, valid until the next call. */
  long reserve(long bytes) {
    CudaBlock current = block;
    if (current == null || current.bytes() < bytes) {
      current = grow(roundUp(bytes));
    }
    return current.address();
  }

  /** Returns the block size for this many bytes. */
  static long roundUp(long bytes) {
    return Vectors.ceilDiv(bytes, GRANULARITY) * GRANULARITY;
  }

  private CudaBlock grow(long bytes) {
    if (block != null) {
      replaced.add(block);
      block = null;
    }
    giveReplaced();
    CudaBlock larger = memory.take("workspace", bytes);
    block = larger;
    return larger;
  }

  /**
   * Counts a replay, which uses the address of its recording: no block is freed until it is closed.
   */
  void addReplay() {
    numReplays++;
  }

  void removeReplay() {
    numReplays--;
    giveReplaced();
  }

  private void giveReplaced() {
    if (numReplays == 0) {
      replaced.forEach(memory::give);
      replaced.clear();
    }
  }

  /** Returns the bytes it holds now. */
  long bytesHeld() {
    return (block == null ? 0 : block.bytes())
        + replaced.stream().mapToLong(CudaBlock::bytes).sum();
  }

  @Override
  public void close() {
    replaced.forEach(memory::give);
    if (block != null) {
      memory.give(block);
    }
  }
}
