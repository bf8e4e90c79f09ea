package io.tanuki4j.nn;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Positions of tokens in the memory of a device. */
public final class PositionIds {
  private PositionIds() {}

  /**
   * Returns the numbers as a tensor {@code [n]}, I32.
   *
   * @param scope its memory
   */
  public static Tensor upload(int[] positions, Device device, MemoryScope scope) {
    Tensor tensor = scope.allocate(Shape.of(positions.length), DType.I32);
    ByteBuffer host =
        ByteBuffer.allocateDirect(positions.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    Arrays.stream(positions).forEach(host::putInt);
    device.upload(tensor, host.flip());
    return tensor;
  }
}
