package io.tanuki4j.backend.host;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A scope over {@link BlockStack}. A root owns the stack; a child goes back to its starting point
 * when it closes.
 */
final class BlockScope implements MemoryScope {
  private final String label;
  private final BlockStack stack;
  private final Consumer<BlockScope> onClose;
  private final BlockStack.Mark begin;
  private @Nullable BlockScope openChild;
  private boolean closed;

  /** Opens a root. */
  BlockScope(String label, long plannedBytes, Consumer<BlockScope> onClose) {
    this(
        label,
        new BlockStack(label, plannedBytes),
        root -> {
          root.stack.free();
          onClose.accept(root);
        });
  }

  private BlockScope(String label, BlockStack stack, Consumer<BlockScope> onClose) {
    this.label = label;
    this.stack = stack;
    this.onClose = onClose;
    this.begin = stack.mark();
  }

  @Override
  public Tensor allocate(Shape shape, DType dtype) {
    if (!isTop()) {
      throw misuse("allocate " + dtype + " " + shape + " from");
    }
    return stack.push(shape, dtype);
  }

  @Override
  public MemoryScope child(String childLabel) {
    if (!isTop()) {
      throw misuse("open child " + childLabel + " of");
    }
    openChild = new BlockScope(label + "/" + childLabel, stack, child -> openChild = null);
    return openChild;
  }

  @Override
  public long bytesInUse() {
    return closed ? 0 : stack.bytesUsed() - begin.bytesUsed();
  }

  /** Returns the bytes of the blocks, whether used or kept for the next pass. */
  long bytesHeld() {
    return stack.bytesHeld();
  }

  /**
   * @throws IllegalStateException if a child is still open
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (!isTop()) {
      throw misuse("close");
    }
    closed = true;
    stack.backTo(begin);
    onClose.accept(this);
  }

  private boolean isTop() {
    return !closed && openChild == null;
  }

  private IllegalStateException misuse(String what) {
    if (closed || openChild == null) {
      return new IllegalStateException(
          "cannot %s scope %s: it has been closed".formatted(what, label));
    }
    return new IllegalStateException(
        "cannot %s scope %s: its child %s is open. Close the child first."
            .formatted(what, label, openChild.label));
  }

  /** Returns the label and the size, for the message about a leak. */
  @Override
  public String toString() {
    return "%s (%d bytes)".formatted(label, bytesHeld());
  }
}
