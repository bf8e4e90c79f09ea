package io.tanuki4j.backend.host;

import io.tanuki4j.kernel.HostStage;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** A stage in memory outside the Java heap, which may be as large as the model. */
final class BlockStage implements HostStage {
  private final List<Block> slots = new ArrayList<>();
  private final int slotBytes;

  BlockStage(int numSlots, int slotBytes) {
    this.slotBytes = slotBytes;
    for (int i = 0; i < numSlots; i++) {
      slots.add(new Block(slotBytes, "stage of --save"));
    }
  }

  @Override
  public int numSlots() {
    return slots.size();
  }

  @Override
  public ByteBuffer slot(int index) {
    ByteBuffer all = slots.get(index).window(0).bytes();
    return all.slice(0, slotBytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void copy(int slot, ByteBuffer part, Tensor source) {
    HostCopy.toHost(part, source);
  }

  @Override
  public void await(int slot) {}

  @Override
  public void close() {
    slots.forEach(Block::close);
    slots.clear();
  }
}
