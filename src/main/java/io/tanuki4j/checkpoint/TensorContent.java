package io.tanuki4j.checkpoint;

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
}
