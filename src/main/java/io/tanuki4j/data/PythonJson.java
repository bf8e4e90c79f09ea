package io.tanuki4j.data;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON text exactly as Python's {@code json.dumps(value, indent=4)} writes it, because Megatron's
 * caches are named by a digest of that text.
 */
final class PythonJson {
  private static final int INDENT = 4;
  private static final int MAX_DIGITS = 17;
  private static final int MIN_EXPONENT = -4;
  private static final int MAX_EXPONENT = 16;
  private static final List<RoundingMode> NEAREST_FIRST =
      List.of(RoundingMode.HALF_EVEN, RoundingMode.DOWN, RoundingMode.UP);

  private final StringBuilder out = new StringBuilder();

  private PythonJson() {}

  /**
   * Returns a value's JSON text.
   *
   * @param value a map with string keys, a list, a string, an Integer, a Long, a finite Double, a
   *     Boolean or null
   */
  static String dumps(@Nullable Object value) {
    PythonJson json = new PythonJson();
    json.write(value, 0);
    return json.out.toString();
  }

  /**
   * Returns a finite number as Python's {@code repr} does: the fewest digits that read back as the
   * same number.
   */
  static String repr(double value) {
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal shortest = shortest(value);
    String digits = shortest.unscaledValue().abs().toString().replaceFirst("0+$", "");
    int exponent = shortest.precision() - shortest.scale() - 1;
    String sign = value < 0 ? "-" : "";
    if (exponent < MIN_EXPONENT || exponent >= MAX_EXPONENT) {
      String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
      return "%s%s%se%s%02d"
          .formatted(
              sign, digits.charAt(0), fraction, exponent < 0 ? "-" : "+", Math.abs(exponent));
    }
    String plain = shortest.abs().stripTrailingZeros().toPlainString();
    return sign + plain + (plain.contains(".") ? "" : ".0");
  }

  /**
   * Returns the shortest decimal, which Double.toString of this Java version does not always find.
   */
  private static BigDecimal shortest(double value) {
    BigDecimal exact = new BigDecimal(value);
    for (int digits = 1; digits < MAX_DIGITS; digits++) {
      // The nearest decimal may miss the value where the next one, on the other side, does not.
      for (RoundingMode mode : NEAREST_FIRST) {
        BigDecimal candidate = exact.round(new MathContext(digits, mode));
        if (candidate.doubleValue() == value) {
          return candidate;
        }
      }
    }
    return exact.round(new MathContext(MAX_DIGITS, RoundingMode.HALF_EVEN));
  }

  private void write(@Nullable Object value, int depth) {
    if (value instanceof Map<?, ?> map) {
      writeMap(map, depth);
    } else if (value instanceof List<?> list) {
      writeList(list, depth);
    } else if (value instanceof String text) {
      writeText(text);
    } else if (value instanceof Double number) {
      out.append(repr(number));
    } else if (value == null
        || value instanceof Integer
        || value instanceof Long
        || value instanceof Boolean) {
      out.append(value);
    } else {
      throw new IllegalArgumentException("no JSON form for a " + value.getClass().getName());
    }
  }

  private void writeMap(Map<?, ?> map, int depth) {
    out.append('{');
    Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
    while (entries.hasNext()) {
      Map.Entry<?, ?> entry = entries.next();
      newLine(depth + 1);
      writeText(String.valueOf(entry.getKey()));
      out.append(": ");
      write(entry.getValue(), depth + 1);
      out.append(entries.hasNext() ? "," : "");
    }
    end('}', map.isEmpty(), depth);
  }

  private void writeList(List<?> list, int depth) {
    out.append('[');
    for (int i = 0; i < list.size(); i++) {
      newLine(depth + 1);
      write(list.get(i), depth + 1);
      out.append(i + 1 < list.size() ? "," : "");
    }
    end(']', list.isEmpty(), depth);
  }

  private void end(char bracket, boolean empty, int depth) {
    if (!empty) {
      newLine(depth);
    }
    out.append(bracket);
  }

  private void newLine(int depth) {
    out.append('\n').append(" ".repeat(INDENT * depth));
  }

  private void writeText(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      out.append(escaped(text.charAt(i)));
    }
    out.append('"');
  }

  private static String escaped(char c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\f' -> "\\f";
      case '\b' -> "\\b";
      default -> c >= ' ' && c <= '~' ? String.valueOf(c) : "\\u%04x".formatted((int) c);
    };
  }
}
