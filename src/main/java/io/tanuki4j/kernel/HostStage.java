package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;

/**
 * Host memory into which a device copies tensors at its best speed. What has been copied any thread
 * may read, while the device goes on; all else is for the device's thread.
 */
public interface HostStage extends AutoCloseable {
  /** Returns the number of slots. */
  int numSlots();

  /** Returns the memory of a slot, of which all have the same size; little-endian. */
  ByteBuffer slot(int index);

  /**
   * Begins to copy a tensor, behind all operations called so far. The tensor must not change before
   * the slot was waited for.
   *
   * @param part of the slot's memory, of the tensor's size
   */
  void copy(int slot, ByteBuffer part, Tensor source);

  /** Waits until all that is copied into a slot is there. */
  void await(int slot);

  @Override
  void close();
}
