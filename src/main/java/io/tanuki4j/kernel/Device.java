package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;

/** One device, owned by the thread of one rank. Operations run in the order they are called. */
public interface Device extends AutoCloseable {
  DeviceInfo info();

  Kernels kernels();

  /**
   * A new root scope of memory.
   *
   * @param label appears in the messages about leaks and lack of memory
   */
  MemoryScope openScope(String label);

  /**
   * Copies the remaining bytes of {@code source} (little-endian elements) into {@code destination},
   * whose size they must have. The source may be reused when the call returns.
   */
  void upload(Tensor destination, ByteBuffer source);

  /**
   * Copies a tensor to the host, once all earlier operations have finished. This is the only call
   * that makes the host wait besides {@link #synchronize}.
   */
  void download(ByteBuffer destination, Tensor source);

  /** Waits until every operation called so far has finished. */
  void synchronize();

  /** Bytes of device memory now held by scopes of this device. */
  long bytesInUse();

  @Override
  void close();
}
