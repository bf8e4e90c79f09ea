package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float8;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Elements of any type as doubles, and back, on the host. */
public final class HostValues {
  private HostValues() {}

  /** Little-endian elements, rounded to their type. */
  public static ByteBuffer encode(double[] values, DType dtype) {
    ByteBuffer bytes = buffer(values.length * dtype.bytes());
    for (double value : values) {
      switch (dtype) {
        case F64 -> bytes.putDouble(value);
        case F32 -> bytes.putFloat((float) value);
        case F8_E4M3, F8_E5M2 -> bytes.put(Float8.fromFloat((float) value, dtype));
        case BF16 -> bytes.putShort(bf16Bits((float) value));
        case F16 -> bytes.putShort(f16Bits(value));
        case I64 -> bytes.putLong((long) value);
        case I32 -> bytes.putInt((int) value);
      }
    }
    return bytes.flip();
  }

  /** Returns the size of the difference, by squares, relative to that of what is expected. */
  public static double relativeError(double[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / size);
  }

  public static double[] decode(ByteBuffer bytes, DType dtype) {
    double[] values = new double[bytes.remaining() / dtype.bytes()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case F64 -> bytes.getDouble();
            case F32 -> bytes.getFloat();
            case F8_E4M3, F8_E5M2 -> Float8.toFloat(bytes.get(), dtype);
            case BF16 -> Float.intBitsToFloat(bytes.getShort() << 16);
            case F16 -> f16Value(bytes.getShort());
            case I64 -> bytes.getLong();
            case I32 -> bytes.getInt();
          };
    }
    return values;
  }

  /** A value as this type can hold it. */
  public static double round(double value, DType dtype) {
    return decode(encode(new double[] {value}, dtype), dtype)[0];
  }

  static ByteBuffer buffer(int numBytes) {
    return ByteBuffer.allocate(numBytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The nearest of the two neighbours, found by comparing distances; the even one if equal. */
  private static short bf16Bits(float value) {
    int below = Float.floatToRawIntBits(value) & 0xffff0000;
    int above = below + 0x10000;
    if (!Float.isFinite(value)) {
      return (short) (below >>> 16);
    }
    double distanceBelow = Math.abs((double) value - Float.intBitsToFloat(below));
    double distanceAbove = Math.abs((double) value - next(below));
    boolean belowIsEven = ((below >>> 16) & 1) == 0;
    boolean takeBelow =
        distanceBelow < distanceAbove || (distanceBelow == distanceAbove && belowIsEven);
    return (short) ((takeBelow ? below : above) >>> 16);
  }

  /** The multiple of the unit in the last place that is nearest, the even one if two are. */
  private static short f16Bits(double value) {
    if (!Double.isFinite(value)) {
      return (short) (Double.isNaN(value) ? 0x7e00 : value > 0 ? 0x7c00 : 0xfc00);
    }
    int exponent = Math.max(-14, Math.getExponent(value));
    long units = (long) Math.rint(Math.scalb(Math.abs(value), 10 - exponent));
    long bits = ((long) (exponent + 14) << 10) + units; // 1024 units carry into the exponent
    int sign = Math.copySign(1, value) < 0 ? 0x8000 : 0;
    return (short) (sign | Math.min(bits, 0x7c00));
  }

  private static double f16Value(short bits) {
    int exponent = (bits >> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    double magnitude =
        exponent == 0x1f
            ? (fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
            : exponent == 0
                ? Math.scalb((double) fraction, -24)
                : Math.scalb(1024.0 + fraction, exponent - 25);
    return bits < 0 ? -magnitude : magnitude;
  }

  /** The next larger magnitude, as if the range had no end. */
  private static double next(int bits) {
    double value = Float.intBitsToFloat(bits);
    int previous = (bits & 0x7fffffff) == 0 ? bits : bits - 0x10000;
    float after = Float.intBitsToFloat(bits + 0x10000);
    return Float.isFinite(after) ? after : 2 * value - Float.intBitsToFloat(previous);
  }
}
