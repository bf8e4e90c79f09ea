package io.tanuki4j.data;

/**
 * The CRC-32C of bytes that lie one after the other, from the checksums of the parts. A checksum is
 * a remainder of polynomials over two elements; bytes that follow multiply it by a power of x.
 */
final class JoinedChecksum {
  private static final int POLYNOMIAL = 0x82f63b78;

  /** The polynomial 1: the highest bit is the coefficient of the lowest power. */
  private static final int ONE = 1 << 31;

  private static final int X_TO_THE_8 = 1 << 23;

  private int value;

  /** Appends bytes of which only the checksum is known. */
  void append(int checksum, long size) {
    value = product(value, power(X_TO_THE_8, size)) ^ checksum;
  }

  /** Returns the checksum of all bytes, as {@link java.util.zip.CRC32C} does. */
  long value() {
    return Integer.toUnsignedLong(value);
  }

  private static int power(int base, long exponent) {
    int result = ONE;
    int square = base;
    for (long left = exponent; left > 0; left >>= 1) {
      if ((left & 1) == 1) {
        result = product(result, square);
      }
      square = product(square, square);
    }
    return result;
  }

  /** Returns the product of two polynomials modulo that of the checksum. */
  private static int product(int a, int b) {
    int sum = 0;
    int shifted = b;
    for (int bit = ONE; bit != 0; bit >>>= 1) {
      if ((a & bit) != 0) {
        sum ^= shifted;
      }
      shifted = (shifted >>> 1) ^ ((shifted & 1) * POLYNOMIAL);
    }
    return sum;
  }
}
