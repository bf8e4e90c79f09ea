package io.tanuki4j.backend.counting;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.DeviceBuffer;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/** A scope whose tensors have a size and no contents. */
final class CountingScope implements MemoryScope {
  private final CountingStack stack;
  private final long begin;

  CountingScope(CountingStack stack) {
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
}
