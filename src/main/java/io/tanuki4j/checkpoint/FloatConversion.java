package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.safetensors.ElementType;
import java.nio.ByteBuffer;

/**
 * Converts floating-point elements from one type to another, on the host. Widening is exact;
 * narrowing rounds to the nearest, ties to even, and keeps NaN. F64 to BF16 rounds twice, through
 * F32.
 */
public final class FloatConversion {
  private FloatConversion() {}

  /**
   * Returns whether both types are floating-point types that this program computes with or reads.
   */
  public static boolean supports(ElementType from, ElementType to) {
    return from == to || (bytes(from) > 0 && bytes(to) > 0 && to != ElementType.F16);
  }

  /**
   * Converts all remaining elements of {@code from}. Both buffers are little-endian; their
   * positions advance.
   */
  public static void convert(ByteBuffer from, ElementType type, ByteBuffer to, ElementType target) {
    if (type == target) {
      to.put(from);
      return;
    }
    int step = bytes(type);
    int end = from.limit();
    for (int i = from.position(); i < end; i += step) {
      put(to, target, get(from, i, type));
    }
    from.position(end);
  }

  private static double get(ByteBuffer from, int at, ElementType type) {
    return switch (type) {
      case F64 -> from.getDouble(at);
      case F32 -> from.getFloat(at);
      case BF16 -> Float.intBitsToFloat(from.getShort(at) << 16);
      case F16 -> halfToFloat(from.getShort(at));
      default -> throw new IllegalStateException("no floating-point type: " + type);
    };
  }

  private static void put(ByteBuffer to, ElementType type, double value) {
    switch (type) {
      case F64 -> to.putDouble(value);
      case F32 -> to.putFloat((float) value);
      case BF16 -> to.putShort(floatToBfloat16((float) value));
      default -> throw new IllegalStateException("no target type: " + type);
    }
  }

  private static int bytes(ElementType type) {
    return switch (type) {
      case F64 -> Double.BYTES;
      case F32 -> Float.BYTES;
      case BF16, F16 -> Short.BYTES;
      default -> 0;
    };
  }

  /** Returns the upper half of the bits, rounded. The quiet bit keeps a NaN a NaN. */
  static short floatToBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    int roundHalfToEven = 0x7FFF + ((bits >>> 16) & 1);
    return (short) ((bits + roundHalfToEven) >>> 16);
  }

  /** Widens IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. */
  static float halfToFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >>> 10) & 0x1F;
    int fraction = half & 0x3FF;
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int floatExponent = exponent == 0x1F ? 0xFF : exponent - 15 + 127;
    return Float.intBitsToFloat(sign | (floatExponent << 23) | (fraction << 13));
  }
}
