package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;

/**
 * Host memory into which a device copies tensors at its best speed. Any thread may read what has
 * been copied, while the device works on; everything else is for the device's thread.
 */
public interface HostStage extends AutoCloseable {
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
}
