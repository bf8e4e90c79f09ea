package io.tanuki4j.kernel;

import java.nio.ByteBuffer;

/**
 * The bytes of a tensor in place, for the host to read and write; any thread may. The memory stays
 * until the view is closed, even if its scope closes before.
 */
public interface HostView extends AutoCloseable {
  /** The most bytes that {@link #bytes} gives at once. */
  int MAX_BYTES = 1 << 30;

  /**
   * Returns a run of the tensor's bytes, little-endian.
   *
   * @param from counted from the tensor's first byte
   * @param count up to {@link #MAX_BYTES}
   */
  ByteBuffer bytes(long from, int count);

  @Override
  void close();
}
