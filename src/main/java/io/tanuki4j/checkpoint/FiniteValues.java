package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.file.Path;

/** Rejects weights that contain a NaN or an infinity: no model can compute with them. */
public final class FiniteValues {
  /** Elements in a call: the JVM soon compiles a method that is called often. */
  private static final int RUN_LONGS = 1024;

  private FiniteValues() {}

  /**
   * Checks the bytes of some elements.
   *
   * @param folder of the weights, for the message
   * @param bytes from {@code first} to its position, little-endian
   * @throws UserException if an element is not finite
   */
  public static void require(
      Path folder, String tensor, ElementType type, ByteBuffer bytes, int first) {
    ByteBuffer read =
        bytes.duplicate().limit(bytes.position()).position(first).order(ByteOrder.LITTLE_ENDIAN);
    if (!areFinite(read, type)) {
      throw new UserException(
          "%s: %s holds a NaN or an infinity (expected: finite numbers). The file is damaged or"
                  .formatted(folder, tensor)
              + " the training diverged: use another one.");
    }
  }

  /**
   * Checks eight bytes at once: adding one to an exponent of all ones carries into the sign bit.
   */
  private static boolean areFinite(ByteBuffer bytes, ElementType type) {
    long exponents = exponents(type);
    if (exponents == 0) {
      return true;
    }
    LongBuffer longs = bytes.asLongBuffer();
    int count = longs.limit();
    long carries = 0;
    for (int first = 0; first < count; first += RUN_LONGS) {
      carries |= carries(longs, first, Math.min(count, first + RUN_LONGS), exponents);
    }
    bytes.position(bytes.position() + count * Long.BYTES);
    ByteBuffer rest = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).put(bytes);
    carries |= carries(rest.clear().asLongBuffer(), 0, 1, exponents);
    return (carries & signs(type)) == 0;
  }

  private static long carries(LongBuffer longs, int first, int end, long exponents) {
    long ones = exponents & ~(exponents << 1);
    long carries = 0;
    for (int i = first; i < end; i++) {
      carries |= (longs.get(i) & exponents) + ones;
    }
    return carries;
  }

  /**
   * Returns the exponent bits of the elements in eight bytes; 0 for types that are always finite.
   */
  private static long exponents(ElementType type) {
    return switch (type) {
      case F64 -> 0x7ff0_0000_0000_0000L;
      case F32 -> 0x7f80_0000_7f80_0000L;
      case BF16 -> 0x7f80_7f80_7f80_7f80L;
      case F16 -> 0x7c00_7c00_7c00_7c00L;
      default -> 0;
    };
  }

  private static long signs(ElementType type) {
    return switch (type) {
      case F64 -> 0x8000_0000_0000_0000L;
      case F32 -> 0x8000_0000_8000_0000L;
      default -> 0x8000_8000_8000_8000L;
    };
  }
}
