package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.Tensor;
import org.bytedeco.javacpp.Pointer;

/** A place in GPU memory, for calls that take a pointer. It owns nothing and can be moved. */
final class Address extends Pointer {
  Address() {}

  Address(long address) {
    this.address = address;
  }

  /** Points elsewhere, so that a loop needs no new object. */
  Address to(long newAddress) {
    address = newAddress;
    return this;
  }

  Address to(Tensor tensor) {
    return to(of(tensor));
  }

  /**
   * @throws IllegalArgumentException if the tensor is not in GPU memory
   */
  static long of(Tensor tensor) {
    if (tensor.buffer() instanceof CudaBlock block) {
      return block.address() + tensor.byteOffset();
    }
    throw new IllegalArgumentException(
        "tensor %s: memory of another backend (expected: of cuda)".formatted(tensor));
  }
}
