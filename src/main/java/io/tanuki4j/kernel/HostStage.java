package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * Host memory into which a device copies tensors at its best speed. Any thread may read what has
 * been copied, while the device works on; everything else is for the device's thread.
 */
public interface HostStage extends AutoCloseable {
  /**
   * Makes a stage in ordinary Java memory.
   *
   * @param copier copies a tensor into part of a slot before it returns
   */
  static HostStage direct(int numSlots, int slotBytes, BiConsumer<ByteBuffer, Tensor> copier) {
    List<ByteBuffer> slots =
        Stream.generate(() -> ByteBuffer.allocateDirect(slotBytes)).limit(numSlots).toList();
    return new Copying(slots, copier, () -> {});
  }

  /** Returns the number of slots. */
  int numSlots();

  /** Returns the memory of a slot, little-endian; all slots have the same size. */
  ByteBuffer slot(int index);

  /**
   * Begins to copy a tensor, behind all operations called so far. The tensor must not change before
   * {@link #await} of the slot returns.
   *
   * @param part of the slot's memory, of the tensor's size
   */
  void copy(int slot, ByteBuffer part, Tensor source);

  /** Waits until everything copied into a slot is there. */
  void await(int slot);

  @Override
  void close();

  /** A stage of a device whose copies have ended when the call returns. */
  final class Copying implements HostStage {
    private final List<ByteBuffer> slots;
    private final BiConsumer<ByteBuffer, Tensor> copier;
    private final Runnable release;

    /**
     * Makes a stage.
     *
     * @param slots of one size
     * @param copier copies a tensor into part of a slot before it returns
     * @param release frees the slots
     */
    public Copying(
        List<ByteBuffer> slots, BiConsumer<ByteBuffer, Tensor> copier, Runnable release) {
      this.slots = new ArrayList<>(slots);
      this.copier = copier;
      this.release = release;
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
      copier.accept(part, source);
    }

    @Override
    public void await(int slot) {}

    @Override
    public void close() {
      slots.clear();
      release.run();
    }
  }
}
