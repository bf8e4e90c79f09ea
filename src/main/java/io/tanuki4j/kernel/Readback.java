package io.tanuki4j.kernel;

import java.nio.ByteBuffer;

/** A copy to the host in flight, see {@link Device#readBack}. */
@FunctionalInterface
public interface Readback {
  /**
   * Waits for the copy; the little-endian bytes stay until the second {@code readBack} from now.
   */
  ByteBuffer await();
}
