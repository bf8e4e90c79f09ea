package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/**
 * F32 stand-ins for tensors of sixteen bits in operations that compute in F32 and round once; other
 * tensors stand for themselves. Closing it frees the memory of the stand-ins.
 */
final class Widening implements AutoCloseable {
  private final CpuElementwise elementwise;
  private final BlockStack memory;
  private final BlockStack.Mark mark;

  Widening(CpuElementwise elementwise, BlockStack memory) {
    this.elementwise = elementwise;
    this.memory = memory;
    this.mark = memory.mark();
  }

  /** Returns a stand-in with the contents of the tensor. */
  Tensor in(Tensor tensor) {
    Tensor wide = out(tensor);
    if (wide != tensor) {
      elementwise.copy(wide, tensor);
    }
    return wide;
  }

  /** Returns a stand-in with undefined contents, for {@link #finish}. */
  Tensor out(Tensor tensor) {
    return tensor.dtype().isFloat16() ? memory.push(tensor.shape(), DType.F32) : tensor;
  }

  /** Rounds a result into its tensor. */
  void finish(Tensor out, Tensor wide) {
    if (wide != out) {
      elementwise.copy(out, wide);
    }
  }

  @Override
  public void close() {
    memory.backTo(mark);
  }
}
