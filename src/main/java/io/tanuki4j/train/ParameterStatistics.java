package io.tanuki4j.train;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Numbers about weights and gradients that only the log asks for. Each makes the host wait. */
public final class ParameterStatistics {
  private static final long ELEMENTS_AT_ONCE = 1 << 20;

  private final Device device;
  private final ParameterBuffers parameters;
  private final Tensor sum;

  /**
   * @param scope memory for one number, for as long as this is used
   */
  public ParameterStatistics(Device device, ParameterBuffers parameters, MemoryScope scope) {
    this.device = device;
    this.parameters = parameters;
    this.sum = scope.allocate(Shape.of(1), DType.F64);
  }

  /** The L2 norm of all weights ({@code --log-params-norm}). */
  double paramsNorm() {
    device.kernels().fill(sum, 0);
    device.kernels().sumOfSquares(sum, parameters.values());
    return Math.sqrt(download(sum).getDouble(0));
  }

  /**
   * How many elements of the last gradient are zero ({@code --log-num-zeros-in-grad}). Reads all of
   * it, so it is no number for every iteration of a large model.
   */
  long numZeros() {
    long zeros = 0;
    for (Parameter parameter : parameters.all()) {
      long size = parameter.grad().numElements();
      Tensor flat = parameter.grad().reshape(Shape.of(size));
      for (long from = 0; from < size; from += ELEMENTS_AT_ONCE) {
        zeros += zerosOf(flat.rows(from, Math.min(size, from + ELEMENTS_AT_ONCE)));
      }
    }
    return zeros;
  }

  private long zerosOf(Tensor grads) {
    ByteBuffer bytes = download(grads);
    long zeros = 0;
    while (bytes.hasRemaining()) {
      double value =
          switch (grads.dtype()) {
            case BF16 -> bytes.getShort() & 0x7fff; // without the sign
            case F64 -> bytes.getDouble();
            default -> bytes.getFloat();
          };
      zeros += value == 0 ? 1 : 0;
    }
    return zeros;
  }

  private ByteBuffer download(Tensor tensor) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.toIntExact(tensor.numBytes()))
            .order(ByteOrder.LITTLE_ENDIAN);
    device.download(bytes, tensor);
    return bytes.rewind();
  }
}
