package io.tanuki4j.nn;

import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.RopeKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/** Rotates queries and keys in place, by precomputed tables of cosines and sines. */
public final class Rope {
  private final RopeKernels kernels;
  private final Tensor cos;
  private final Tensor sin;
  private final boolean fromStart;

  /**
   * Computes the tables, {@code [number of positions, rotaryDim/2]}.
   *
   * @param positions of the tokens of this rank in their sequence; if these are 0, 1, 2 and so on,
   *     shorter sequences can be rotated, too. All from 0 on if samples have positions
   * @param dtype F32, or F64 for F64 activations
   * @param scope memory of the tables
   */
  public static Rope create(
      Device device, RopeFrequencies frequencies, int[] positions, DType dtype, MemoryScope scope) {
    Shape shape = Shape.of(positions.length, frequencies.rotaryDim() / 2);
    Tensor cos = scope.allocate(shape, dtype);
    Tensor sin = scope.allocate(shape, dtype);
    device.upload(cos, table(frequencies, positions, dtype, Math::cos));
    device.upload(sin, table(frequencies, positions, dtype, Math::sin));
    boolean fromStart = IntStream.range(0, positions.length).allMatch(i -> positions[i] == i);
    return new Rope(device.kernels().rope(), cos, sin, fromStart);
  }

  private Rope(RopeKernels kernels, Tensor cos, Tensor sin, boolean fromStart) {
    this.kernels = kernels;
    this.cos = cos;
    this.sin = sin;
    this.fromStart = fromStart;
  }

  /**
   * Rotates a packed projection {@code [s, b, (n + 2g)·d]} in place.
   *
   * @param samples whose positions count, if they have any
   */
  public void forward(Tensor qkv, AttentionShape shape, Samples samples) {
    long length = length(shape, samples);
    kernels.ropeForward(qkv, cos.rows(0, length), sin.rows(0, length), samples.positions(), shape);
  }

  /** Rotates the gradient of the rotated projection back, in place. */
  public void backward(Tensor dQkv, AttentionShape shape, Samples samples) {
    long length = length(shape, samples);
    kernels.ropeBackward(
        dQkv, cos.rows(0, length), sin.rows(0, length), samples.positions(), shape);
  }

  private long length(AttentionShape shape, Samples samples) {
    return samples.positions() == null ? checkedLength(shape) : cos.dim(0);
  }

  private int checkedLength(AttentionShape shape) {
    int length = shape.seqLength();
    if (length > cos.dim(0)) {
      throw new UserException(
          ("sequence of %d tokens (expected: at most %d, the length of the rotary table)."
                  + " Give a longer --seq-length.")
              .formatted(length, cos.dim(0)));
    }
    if (length < cos.dim(0) && !fromStart) {
      throw new IllegalStateException(
          "%d tokens of a part of a sequence (expected: all %d of the part)"
              .formatted(length, cos.dim(0)));
    }
    return length;
  }

  private static ByteBuffer table(
      RopeFrequencies frequencies, int[] positions, DType dtype, DoubleUnaryOperator function) {
    int pairs = frequencies.rotaryDim() / 2;
    int bytes = Math.multiplyExact(Math.multiplyExact(positions.length, pairs), dtype.bytes());
    ByteBuffer table = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int position : positions) {
      for (int j = 0; j < pairs; j++) {
        double value = function.applyAsDouble(frequencies.angle(position, j));
        if (dtype == DType.F64) {
          table.putDouble(value);
        } else {
          table.putFloat((float) value);
        }
      }
    }
    return table.flip();
  }
}
