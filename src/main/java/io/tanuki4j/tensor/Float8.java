package io.tanuki4j.tensor;

/**
 * FP8 numbers (Micikevicius et al., 2022). E4M3 has 3 bits of fraction, reaches 448 and has no
 * infinity; E5M2 has 2 and reaches 57344. Rounding is to nearest, ties to even. Larger values
 * saturate to the largest number, as in GPUs' saturating conversions.
 */
public final class Float8 {
  private static final int SIGN = 0x80;
  private static final int MAGNITUDE = 0x7F;
  private static final int FLOAT_FRACTION_BITS = 23;
  private static final int FLOAT_BIAS = 127;
  private static final float[] E4M3 = table(DType.F8_E4M3);
  private static final float[] E5M2 = table(DType.F8_E5M2);

  private Float8() {}

  /** Returns the largest number of a type. */
  public static float max(DType dtype) {
    return dtype == DType.F8_E4M3 ? 448 : 57344;
  }

  public static float toFloat(byte bits, DType dtype) {
    return (dtype == DType.F8_E4M3 ? E4M3 : E5M2)[Byte.toUnsignedInt(bits)];
  }

  /**
   * Rounds a number. Infinity becomes the largest number; NaN of either sign becomes the positive
   * NaN.
   */
  public static byte fromFloat(float value, DType dtype) {
    if (Float.isNaN(value)) {
      return MAGNITUDE;
    }
    float magnitude = Math.min(Math.abs(value), max(dtype));
    int sign = Float.floatToRawIntBits(value) < 0 ? SIGN : 0;
    return (byte) (sign | round(magnitude, dtype));
  }

  private static int round(float magnitude, DType dtype) {
    int fractionBits = fractionBits(dtype);
    float smallestNormal = Math.scalb(1f, 1 - bias(dtype));
    if (magnitude < smallestNormal) {
      return (int) Math.rint(Math.scalb((double) magnitude, fractionBits - 1 + bias(dtype)));
    }
    int cut = FLOAT_FRACTION_BITS - fractionBits;
    int bits = Float.floatToRawIntBits(magnitude);
    int tiesToEven = (bits >>> cut) & 1;
    int rounded = (bits + (1 << (cut - 1)) - 1 + tiesToEven) >>> cut;
    return rounded - ((FLOAT_BIAS - bias(dtype)) << fractionBits);
  }

  private static int fractionBits(DType dtype) {
    return dtype == DType.F8_E4M3 ? 3 : 2;
  }

  private static int bias(DType dtype) {
    return dtype == DType.F8_E4M3 ? 7 : 15;
  }

  private static float[] table(DType dtype) {
    float[] values = new float[2 * SIGN];
    for (int bits = 0; bits < values.length; bits++) {
      float magnitude = decode(bits & MAGNITUDE, dtype);
      values[bits] = (bits & SIGN) == 0 ? magnitude : -magnitude;
    }
    return values;
  }

  private static float decode(int bits, DType dtype) {
    int fractionBits = fractionBits(dtype);
    int exponent = bits >>> fractionBits;
    int fraction = bits & ((1 << fractionBits) - 1);
    if (dtype == DType.F8_E4M3 && bits == MAGNITUDE) {
      return Float.NaN;
    }
    if (dtype == DType.F8_E5M2 && exponent == (1 << (7 - fractionBits)) - 1) {
      return fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    }
    return exponent == 0
        ? Math.scalb((float) fraction, 1 - bias(dtype) - fractionBits)
        : Math.scalb(
            (float) (fraction | (1 << fractionBits)), exponent - bias(dtype) - fractionBits);
  }
}
