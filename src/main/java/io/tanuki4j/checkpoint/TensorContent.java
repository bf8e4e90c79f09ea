package io.tanuki4j.checkpoint;

import io.tanuki4j.kernel.HostStage;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Where the elements of a tensor come from: a device, a file, or several. */
@FunctionalInterface
public interface TensorContent {
  /**
   * Fills the rest of a little-endian buffer.
   *
   * @param firstElement in row-major order
   */
  void read(long firstElement, ByteBuffer into) throws IOException;

  /**
   * Begins to fill a part of a stage's slot. It is filled once the stage has been waited for;
   * content from elsewhere than the stage's device is there at once.
   */
  default void begin(long firstElement, ByteBuffer into, HostStage stage, int slot)
      throws IOException {
    read(firstElement, into);
  }
}
