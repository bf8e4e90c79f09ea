package io.tanuki4j.backend.cpu;

/** The upper half of a float's bits. */
final class Bf16 {
  private static final int CUT_BITS = 0xFFFF;
  private static final int HALFWAY = 0x8000;
  private static final int QUIET = 0x40;

  private Bf16() {}

  static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** Rounds to nearest, ties to even. Overflow becomes infinite; NaN stays NaN. */
  static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | QUIET);
    }
    int tiesToEven = (bits >>> 16) & 1;
    return (short) ((bits + HALFWAY - 1 + tiesToEven) >>> 16);
  }

  /**
   * Rounds once, like {@link #fromFloat}: what is a tie only as a float goes to the side it came
   * from.
   */
  static short fromDouble(double value) {
    float nearest = (float) value;
    int bits = Float.floatToRawIntBits(nearest);
    if ((bits & CUT_BITS) == HALFWAY && nearest != value) {
      int side = Math.abs(value) > Math.abs(nearest) ? 1 : -1;
      return fromFloat(Float.intBitsToFloat(bits + side));
    }
    return fromFloat(nearest);
  }
}
