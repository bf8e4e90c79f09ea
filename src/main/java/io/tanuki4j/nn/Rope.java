package io.tanuki4j.nn;

import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.DoubleUnaryOperator;

/** Rotates queries and keys in place, by tables of cosines and sines made once. */
public final class Rope {
  private final Kernels kernels;
  private final Tensor cos;
  private final Tensor sin;

  /**
   * Makes the tables {@code [length, rotaryDim/2]}.
   *
   * @param length the longest sequence
   * @param dtype F32, or F64 for F64 activations
   * @param scope memory of the tables
   */
  public static Rope create(
      Device device, RopeFrequencies frequencies, int length, DType dtype, MemoryScope scope) {
    Tensor cos = scope.allocate(Shape.of(length, frequencies.rotaryDim() / 2), dtype);
    Tensor sin = scope.allocate(cos.shape(), dtype);
    device.upload(cos, table(frequencies, cos, Math::cos));
    device.upload(sin, table(frequencies, sin, Math::sin));
    return new Rope(device.kernels(), cos, sin);
  }

  private Rope(Kernels kernels, Tensor cos, Tensor sin) {
    this.kernels = kernels;
    this.cos = cos;
    this.sin = sin;
  }

  /** Rotates a packed projection {@code [s, b, (n + 2g)·d]} in place. */
  public void forward(Tensor qkv, AttentionShape shape) {
    int length = checkedLength(shape);
    kernels.ropeForward(qkv, cos.rows(0, length), sin.rows(0, length), shape);
  }

  /** Rotates the gradient of the rotated projection back, in place. */
  public void backward(Tensor dQkv, AttentionShape shape) {
    int length = checkedLength(shape);
    kernels.ropeBackward(dQkv, cos.rows(0, length), sin.rows(0, length), shape);
  }

  private int checkedLength(AttentionShape shape) {
    if (shape.seqLength() > cos.dim(0)) {
      throw new IllegalArgumentException(
          ("sequence of %d tokens (expected: at most %d, the length of the rotary table)."
                  + " Give a longer --seq-length.")
              .formatted(shape.seqLength(), cos.dim(0)));
    }
    return shape.seqLength();
  }

  private static ByteBuffer table(
      RopeFrequencies frequencies, Tensor tensor, DoubleUnaryOperator function) {
    int bytes = Math.toIntExact(tensor.numBytes());
    ByteBuffer table = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int position = 0; position < tensor.dim(0); position++) {
      for (int j = 0; j < tensor.dim(1); j++) {
        double value = function.applyAsDouble(frequencies.angle(position, j));
        if (tensor.dtype() == DType.F64) {
          table.putDouble(value);
        } else {
          table.putFloat((float) value);
        }
      }
    }
    return table.flip();
  }
}
