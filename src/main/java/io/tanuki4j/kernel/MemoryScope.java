package io.tanuki4j.kernel;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * Owner of device memory, used as a stack: a root scope takes blocks from the device and gives them
 * back at once when it closes; a child takes its memory from the same blocks and returns it to them
 * when it closes. The same sequence of allocations therefore gets the same addresses each time, and
 * the blocks grow only during the first pass.
 *
 * <p>A scope must not allocate while it has an open child: allocate outputs first, then open the
 * child for temporaries. Children are closed in the reverse order of opening.
 */
public interface MemoryScope extends AutoCloseable {
  /**
   * A tensor with undefined contents, aligned to at least 64 bytes, valid until this scope closes.
   *
   * @throws io.tanuki4j.error.UserException if the device has not that much memory
   * @throws IllegalStateException if this scope is closed or has an open child
   */
  Tensor allocate(Shape shape, DType dtype);

  MemoryScope child(String label);

  /** Bytes allocated from this scope and its open children. */
  long bytesInUse();

  @Override
  void close();
}
