package io.tanuki4j.kernel;

import java.nio.ByteBuffer;

/** A copy to the host that is under way, see {@link Device#readBack}. */
@FunctionalInterface
public interface Readback {
  /** Waits for it; the little-endian bytes stay until the second {@code readBack} from now. */
  ByteBuffer await();
}
