package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A stage in ordinary Java memory, for devices whose copies have ended when the call returns. */
public final class DirectStage implements HostStage {
  private final @Nullable Device device;
  private final List<ByteBuffer> slots = new ArrayList<>();

  /**
   * @param device from which tensors come; null if none do
   */
  public DirectStage(@Nullable Device device, int numSlots, int slotBytes) {
    this.device = device;
    for (int i = 0; i < numSlots; i++) {
      slots.add(ByteBuffer.allocateDirect(slotBytes).order(ByteOrder.LITTLE_ENDIAN));
    }
  }

  @Override
  public int numSlots() {
    return slots.size();
  }

  @Override
  public ByteBuffer slot(int index) {
    return slots.get(index).duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void copy(int slot, ByteBuffer part, Tensor source) {
    Objects.requireNonNull(device, "the stage is of no device").download(part, source);
  }

  @Override
  public void await(int slot) {}

  @Override
  public void close() {}
}
