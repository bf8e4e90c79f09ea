package io.tanuki4j.backend.counting;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.DeviceBuffer;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/** A scope whose tensors have a size and no contents. */
final class CountingScope implements MemoryScope {
  private final Stack stack;
  private final long begin;

  CountingScope(Stack stack) {
    this.stack = stack;
    this.begin = stack.height();
  }

  private record NoMemory(long bytes) implements DeviceBuffer {}

  @Override
  public Tensor allocate(Shape shape, DType dtype) {
    long bytes = Math.multiplyExact(shape.numElements(), (long) dtype.bytes());
    stack.push(bytes);
    return new Tensor(shape, dtype, new NoMemory(bytes), 0);
  }

  @Override
  public MemoryScope child(String label) {
    return new CountingScope(stack);
  }

  @Override
  public long bytesInUse() {
    return stack.height() - begin;
  }

  @Override
  public void close() {
    stack.backTo(begin);
  }

  /** The height of a stack of tensors, and the most it has been; bytes. */
  static final class Stack {
    private static final long ALIGNMENT = 512;

    private long height;
    private long peak;

    void push(long bytes) {
      height += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      peak = Math.max(peak, height);
    }

    void backTo(long mark) {
      height = mark;
    }

    long height() {
      return height;
    }

    long peak() {
      return peak;
    }
  }
}
