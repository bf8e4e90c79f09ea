package io.tanuki4j.backend.nd4j;

/** The upper half of a float's bits. */
final class Bf16 {
  private Bf16() {}

  static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** To nearest, ties to even; a number too large becomes infinite, NaN stays NaN. */
  static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    int tiesToEven = (bits >>> 16) & 1;
    return (short) ((bits + 0x7fff + tiesToEven) >>> 16);
  }
}
