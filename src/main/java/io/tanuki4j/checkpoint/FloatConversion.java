package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import java.nio.ByteBuffer;

/**
 * Converts floating-point elements from one type to another, on the host. Widening is exact;
 * narrowing rounds once, to the nearest, ties to even, and keeps NaN. A number beyond the range of
 * F16 is refused, since no model could compute with the infinity that it would be.
 */
public final class FloatConversion {
  private static final int MAGNITUDE = 0x7fff;
  private static final int F16_INFINITY = 0x7c00;

  private FloatConversion() {}

  /**
   * Returns whether both types are floating-point types that this program computes with or reads.
   */
  public static boolean supports(ElementType from, ElementType to) {
    return from == to || (bytes(from) > 0 && bytes(to) > 0);
  }

  /**
   * Converts all remaining elements of {@code from}. Both buffers are little-endian; their
   * positions advance.
   *
   * @param tensor its name, for the message
   * @throws UserException if an element is beyond the range of the target
   */
  public static void convert(
      String tensor, ByteBuffer from, ElementType type, ByteBuffer to, ElementType target) {
    if (type == target) {
      to.put(from);
      return;
    }
    int step = bytes(type);
    int end = from.limit();
    for (int i = from.position(); i < end; i += step) {
      put(tensor, to, target, get(from, i, type));
    }
    from.position(end);
  }

  /**
   * Multiplies all remaining elements of {@code from} and rounds as {@link
   * io.tanuki4j.kernel.ElementwiseKernels#scale} does. Both buffers are little-endian; their
   * positions advance.
   *
   * @param tensor its name, for the message
   * @throws UserException if a product is beyond the range of the type
   */
  static void scale(
      String tensor, ByteBuffer from, ElementType type, ByteBuffer to, double factor) {
    int step = bytes(type);
    int end = from.limit();
    for (int i = from.position(); i < end; i += step) {
      double value = get(from, i, type);
      put(
          tensor,
          to,
          type,
          type == ElementType.F64 ? value * factor : (float) value * (float) factor);
    }
    from.position(end);
  }

  private static double get(ByteBuffer from, int at, ElementType type) {
    return switch (type) {
      case F64 -> from.getDouble(at);
      case F32 -> from.getFloat(at);
      case BF16 -> Float16.toFloat(from.getShort(at), DType.BF16);
      case F16 -> Float16.toFloat(from.getShort(at), DType.F16);
      default -> throw new IllegalStateException("no floating-point type: " + type);
    };
  }

  private static void put(String tensor, ByteBuffer to, ElementType type, double value) {
    switch (type) {
      case F64 -> to.putDouble(value);
      case F32 -> to.putFloat((float) value);
      case BF16 -> to.putShort(Float16.fromDouble(value, DType.BF16));
      case F16 -> to.putShort(halfPrecision(tensor, value));
      default -> throw new IllegalStateException("no target type: " + type);
    }
  }

  private static short halfPrecision(String tensor, double value) {
    short bits = Float16.fromDouble(value, DType.F16);
    if ((bits & MAGNITUDE) == F16_INFINITY && Double.isFinite(value)) {
      throw new UserException(
          "%s: it has the number %s (expected for float16: 65504 at most, in size). Use bfloat16 or float32."
              .formatted(tensor, (float) value));
    }
    return bits;
  }

  private static int bytes(ElementType type) {
    return switch (type) {
      case F64 -> Double.BYTES;
      case F32 -> Float.BYTES;
      case BF16, F16 -> Short.BYTES;
      default -> 0;
    };
  }
}
