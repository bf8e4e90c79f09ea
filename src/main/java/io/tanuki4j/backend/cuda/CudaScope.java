package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A scope over {@link CudaStack}. A root owns the stack; a child goes back to its starting point
 * when it closes.
 */
final class CudaScope implements MemoryScope {
  private final String label;
  private final CudaStack stack;
  private final CudaStack.Mark begin;
  private final Runnable onClose;
  private @Nullable CudaScope openChild;
  private boolean closed;

  CudaScope(String label, CudaStack stack, Runnable onClose) {
    this.label = label;
    this.stack = stack;
    this.begin = stack.mark();
    this.onClose = onClose;
  }

  @Override
  public Tensor allocate(Shape shape, DType dtype) {
    requireTop("allocate " + dtype + " " + shape + " from");
    return stack.push(shape, dtype);
  }

  @Override
  public MemoryScope child(String childLabel) {
    requireTop("open child " + childLabel + " of");
    openChild = new CudaScope(label + "/" + childLabel, stack, () -> openChild = null);
    return openChild;
  }

  @Override
  public long bytesInUse() {
    return closed ? 0 : stack.bytesUsed() - begin.bytesUsed();
  }

  /**
   * @throws IllegalStateException if a child is still open
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    requireTop("close");
    closed = true;
    stack.backTo(begin);
    onClose.run();
  }

  private void requireTop(String what) {
    if (closed) {
      throw new IllegalStateException(
          "cannot %s scope %s: it has been closed".formatted(what, label));
    }
    if (openChild != null) {
      throw new IllegalStateException(
          "cannot %s scope %s: its child %s is open. Close the child first."
              .formatted(what, label, openChild.label));
    }
  }
}
