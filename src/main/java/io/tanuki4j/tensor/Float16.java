package io.tanuki4j.tensor;

/**
 * Numbers of sixteen bits. BF16 is the upper half of a float's bits. F16 is IEEE 754's binary16,
 * with 5 bits of exponent and 10 of fraction: it reaches 65504, and 2^-24 is its smallest number.
 * Rounding is to nearest, ties to even. Overflow becomes infinite; NaN stays NaN.
 */
public final class Float16 {
  private static final int SIGN = 0x8000;
  private static final int CUT_BITS = 13;
  private static final int FRACTION_BITS = 10;
  private static final int FRACTION = 0x3FF;
  private static final int INFINITY = 0x7C00;
  private static final int QUIET_BF16 = 0x40;
  private static final int QUIET_F16 = 0x200;

  /** What a float's exponent is larger by. */
  private static final int BIAS = 127 - 15;

  private static final int FLOAT_INFINITY = 0x7F80_0000;
  private static final int TOO_LARGE = Float.floatToRawIntBits(0x1p16f);
  private static final int SMALLEST_NORMAL = Float.floatToRawIntBits(0x1p-14f);

  private Float16() {}

  /** Widens a number, which is exact. */
  public static float toFloat(short bits, DType dtype) {
    return dtype == DType.BF16 ? Float.intBitsToFloat(bits << 16) : f16ToFloat(bits);
  }

  private static float f16ToFloat(short half) {
    int sign = (half & SIGN) << 16;
    int exponent = (half & INFINITY) >>> FRACTION_BITS;
    int fraction = half & FRACTION;
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int floatExponent = exponent == 0x1F ? 0xFF : exponent + BIAS;
    return Float.intBitsToFloat(sign | (floatExponent << 23) | (fraction << CUT_BITS));
  }

  public static short fromFloat(float value, DType dtype) {
    int bits = Float.floatToRawIntBits(value);
    return dtype == DType.BF16 ? toBf16(bits) : toF16(bits);
  }

  /** Rounds once: not to a float first. */
  public static short fromDouble(double value, DType dtype) {
    float nearest = (float) value;
    int bits = Float.floatToRawIntBits(nearest);
    if (nearest != value && !Float.isNaN(nearest) && !Float.isInfinite(nearest) && bits % 2 == 0) {
      // An odd last bit keeps a float that was cut off from looking like a tie.
      bits += Math.abs(value) > Math.abs(nearest) ? 1 : -1;
    }
    return fromFloat(Float.intBitsToFloat(bits), dtype);
  }

  private static short toBf16(int bits) {
    if ((bits & Integer.MAX_VALUE) > FLOAT_INFINITY) {
      return (short) ((bits >>> 16) | QUIET_BF16);
    }
    int tiesToEven = (bits >>> 16) & 1;
    return (short) ((bits + 0x7FFF + tiesToEven) >>> 16);
  }

  private static short toF16(int bits) {
    int sign = (bits >>> 16) & SIGN;
    int magnitude = bits & Integer.MAX_VALUE;
    if (magnitude > FLOAT_INFINITY) {
      return (short) (sign | INFINITY | QUIET_F16 | ((magnitude >>> CUT_BITS) & FRACTION));
    }
    if (magnitude >= TOO_LARGE) {
      return (short) (sign | INFINITY);
    }
    if (magnitude < SMALLEST_NORMAL) {
      return (short) (sign | (int) Math.rint(Float.intBitsToFloat(magnitude) * 0x1p24f));
    }
    int tiesToEven = (magnitude >>> CUT_BITS) & 1;
    int rounded = (magnitude + 0xFFF + tiesToEven) >>> CUT_BITS;
    return (short) (sign | (rounded - (BIAS << FRACTION_BITS)));
  }
}
