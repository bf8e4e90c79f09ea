package io.tanuki4j.benchmark;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Makes the inputs and outputs of operations. */
final class BenchmarkTensors {
  private final Device device;
  private final MemoryScope scope;
  private long numMade;

  BenchmarkTensors(Device device, MemoryScope scope) {
    this.device = device;
    this.scope = scope;
  }

  Kernels kernels() {
    return device.kernels();
  }

  /** Normal numbers, others each time: zeros would let a GPU's clock run faster than training. */
  Tensor normal(DType dtype, long... dims) {
    Tensor tensor = scope.allocate(Shape.of(dims), dtype);
    kernels().random().fillNormal(tensor, ++numMade, 0, 0, tensor.dim(-1), 1);
    return tensor;
  }

  /** To be overwritten before it is read. */
  Tensor undefined(DType dtype, long... dims) {
    return scope.allocate(Shape.of(dims), dtype);
  }

  Tensor filled(DType dtype, double value, long... dims) {
    Tensor tensor = scope.allocate(Shape.of(dims), dtype);
    kernels().elementwise().fill(tensor, value);
    return tensor;
  }

  Tensor ids(int... ids) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Integer.BYTES * ids.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(ids);
    Tensor tensor = scope.allocate(Shape.of(ids.length), DType.I32);
    device.upload(tensor, bytes);
    return tensor;
  }
}
