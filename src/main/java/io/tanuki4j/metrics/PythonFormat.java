package io.tanuki4j.metrics;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Formats numbers as Python prints them, for scripts that read Megatron's log. Java's Formatter
 * rounds a decimal string half up; Python rounds the exact binary value half to even.
 */
public final class PythonFormat {
  private static final int MIN_PLAIN_EXPONENT = -4;
  private static final int MAX_PLAIN_EXPONENT = 15;

  private PythonFormat() {}

  /** Returns {@code format(value, '.<digits>f')}: 0.25 with one digit is {@code 0.2}. */
  public static String fixed(double value, int digits) {
    if (!Double.isFinite(value)) {
      return notFinite(value);
    }
    BigDecimal rounded = new BigDecimal(Math.abs(value)).setScale(digits, RoundingMode.HALF_EVEN);
    return sign(value) + rounded.toPlainString();
  }

  /** Returns {@code format(value, '.<digits>E')}: 0.001 with six digits is {@code 1.000000E-03}. */
  public static String scientific(double value, int digits) {
    if (!Double.isFinite(value)) {
      return notFinite(value).toUpperCase(Locale.ROOT);
    }
    BigDecimal rounded = round(value, digits + 1, RoundingMode.HALF_EVEN);
    String all = rounded.unscaledValue().toString();
    String padded = all + "0".repeat(digits + 1 - all.length());
    String fraction = digits == 0 ? "" : "." + padded.substring(1);
    return sign(value) + padded.charAt(0) + fraction + "E" + exponent(exponentOf(rounded));
  }

  /**
   * Returns {@code repr(value)}: the shortest decimal that reads back as the same double, with an
   * exponent below 1e-4 and from 1e16 on: {@code 1e-05}, {@code 0.0001}, {@code 1.0}.
   */
  public static String repr(double value) {
    if (!Double.isFinite(value)) {
      return notFinite(value);
    }
    BigDecimal shortest = shortest(value);
    int exponent = exponentOf(shortest);
    if (exponent >= MIN_PLAIN_EXPONENT && exponent <= MAX_PLAIN_EXPONENT) {
      String plain = shortest.toPlainString();
      return sign(value) + (plain.contains(".") ? plain : plain + ".0");
    }
    String digits = shortest.unscaledValue().toString();
    String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
    return sign(value) + digits.charAt(0) + fraction + "e" + exponent(exponent);
  }

  private static BigDecimal shortest(double value) {
    if (value == 0) {
      return BigDecimal.ZERO;
    }
    int digits = 1;
    BigDecimal candidate = readsBack(value, digits);
    while (candidate == null) {
      digits++;
      candidate = readsBack(value, digits);
    }
    return candidate.stripTrailingZeros();
  }

  /**
   * Returns the nearest decimal with this many digits that reads back as the value. Doubles below a
   * power of two lie closer together than those above it, so there the next decimal above may read
   * back where the nearest does not. With 17 digits the nearest always does.
   */
  private static @Nullable BigDecimal readsBack(double value, int digits) {
    for (RoundingMode mode : List.of(RoundingMode.HALF_EVEN, RoundingMode.UP)) {
      BigDecimal candidate = round(value, digits, mode);
      if (candidate.doubleValue() == Math.abs(value)) {
        return candidate;
      }
    }
    return null;
  }

  private static BigDecimal round(double value, int digits, RoundingMode mode) {
    return new BigDecimal(Math.abs(value)).round(new MathContext(digits, mode));
  }

  private static int exponentOf(BigDecimal value) {
    return value.signum() == 0 ? 0 : value.precision() - value.scale() - 1;
  }

  private static String exponent(int exponent) {
    return String.format(Locale.ROOT, "%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
  }

  private static String sign(double value) {
    return Double.doubleToRawLongBits(value) < 0 ? "-" : "";
  }

  private static String notFinite(double value) {
    return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  }
}
