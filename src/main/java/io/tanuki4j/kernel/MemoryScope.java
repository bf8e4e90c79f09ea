package io.tanuki4j.kernel;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * An owner of device memory, used as a stack. A root scope takes blocks from the device and frees
 * them all when it closes. A child takes its memory from the same blocks and returns it to them
 * when it closes. The same sequence of allocations therefore gets the same addresses each time, and
 * the blocks grow only during the first pass.
 *
 * <p>A scope must not allocate while it has an open child: allocate outputs first, then open the
 * child for temporaries. Children are closed in the reverse order of opening.
 */
public interface MemoryScope extends AutoCloseable {
  /**
   * Allocates a tensor with undefined contents, aligned to at least 64 bytes, valid until this
   * scope closes.
   *
   * @throws io.tanuki4j.error.UserException if the device does not have that much memory
   * @throws IllegalStateException if this scope is closed or has an open child
   */
  Tensor allocate(Shape shape, DType dtype);

  MemoryScope child(String label);

  /** Returns bytes allocated from this scope and its open children. */
  long bytesInUse();

  @Override
  void close();
}
