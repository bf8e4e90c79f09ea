package io.tanuki4j.checkpoint.disk;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * Computes the CRC-32C of a file from those of its parts, which threads make in any order. A CRC is
 * the remainder of a polynomial over GF(2). So the bytes after a part multiply its remainder by a
 * power of x, and the remainders of parts add up.
 */
public final class Crc32cParts {
  /** Castagnoli's polynomial; bit 31 is the coefficient of x⁰. */
  private static final int POLYNOMIAL = 0x82F63B78;

  private static final int ONE = 1 << 31;
  private static final int X_TO_8 = ONE >>> 8;

  private final Map<Long, Part> parts = new TreeMap<>();

  private record Part(long length, int crc) {}

  /** Returns the checksum of a buffer's remaining bytes without moving its position. */
  public static int of(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  /**
   * Adds a part.
   *
   * @param position of its first byte in the file
   * @param length in bytes
   */
  public synchronized void add(long position, long length, int crc) {
    if (length > 0) {
      parts.put(position, new Part(length, crc));
    }
  }

  /**
   * Returns the checksum of the file.
   *
   * @throws IllegalStateException if the parts do not fill it
   */
  public synchronized long total(long size) {
    long end = 0;
    int crc = 0;
    for (Map.Entry<Long, Part> entry : parts.entrySet()) {
      if (entry.getKey() != end) {
        throw new IllegalStateException(
            "a part begins at byte %d (expected: %d)".formatted(entry.getKey(), end));
      }
      Part part = entry.getValue();
      crc = multiply(power(X_TO_8, part.length()), crc) ^ part.crc();
      end += part.length();
    }
    if (end != size) {
      throw new IllegalStateException("parts of %d bytes (expected: %d)".formatted(end, size));
    }
    return Integer.toUnsignedLong(crc);
  }

  private static int power(int base, long exponent) {
    int result = ONE;
    int square = base;
    for (long rest = exponent; rest != 0; rest >>>= 1) {
      if ((rest & 1) == 1) {
        result = multiply(result, square);
      }
      square = multiply(square, square);
    }
    return result;
  }

  /** Returns a product of polynomials, modulo Castagnoli's. */
  private static int multiply(int a, int b) {
    int product = 0;
    int shifted = b;
    for (int coefficient = ONE; coefficient != 0; coefficient >>>= 1) {
      if ((a & coefficient) != 0) {
        product ^= shifted;
      }
      shifted = (shifted & 1) == 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
    }
    return product;
  }
}
