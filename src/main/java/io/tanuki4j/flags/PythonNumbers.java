package io.tanuki4j.flags;

import java.util.regex.Pattern;

/**
 * Reads numbers as Python's {@code int()} and {@code float()} do, because argparse uses them:
 * {@code 1_000}, {@code .5}, {@code inf}; an int has no exponent and no point.
 */
public final class PythonNumbers {
  private static final String DIGITS = "\\d(?:_?\\d)*";
  private static final Pattern INTEGER = Pattern.compile("[+-]?" + DIGITS);
  private static final Pattern DECIMAL =
      Pattern.compile(
          "[+-]?(?:D(?:\\.D?)?|\\.D)(?:[eE][+-]?D)?".replace("D", "(?:" + DIGITS + ")"));
  private static final Pattern INFINITY = Pattern.compile("(?i)[+-]?inf(?:inity)?");
  private static final Pattern NAN = Pattern.compile("(?i)[+-]?nan");

  private PythonNumbers() {}

  /**
   * Reads a 64-bit int.
   *
   * @throws NumberFormatException if Python's int() refuses the text or the number needs more than
   *     64 bits
   */
  public static long parseLong(String text) {
    String stripped = text.strip();
    if (!INTEGER.matcher(stripped).matches()) {
      throw new NumberFormatException("no integer: " + text);
    }
    return Long.parseLong(stripped.replace("_", ""));
  }

  /**
   * Reads a 32-bit int.
   *
   * @throws NumberFormatException if Python's int() refuses the text or the number needs more than
   *     32 bits
   */
  public static int parseInt(String text) {
    long value = parseLong(text);
    if (value != (int) value) {
      throw new NumberFormatException("more than 32 bits: " + text);
    }
    return (int) value;
  }

  /**
   * Reads a float.
   *
   * @throws NumberFormatException if Python's float() refuses the text
   */
  public static double parseDouble(String text) {
    String stripped = text.strip();
    if (INFINITY.matcher(stripped).matches()) {
      return stripped.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    if (NAN.matcher(stripped).matches()) {
      return Double.NaN;
    }
    if (!DECIMAL.matcher(stripped).matches()) {
      throw new NumberFormatException("no number: " + text);
    }
    return Double.parseDouble(stripped.replace("_", ""));
  }

  /** Returns whether Python's float() reads the text. */
  public static boolean isDouble(String text) {
    String stripped = text.strip();
    return DECIMAL.matcher(stripped).matches()
        || INFINITY.matcher(stripped).matches()
        || NAN.matcher(stripped).matches();
  }
}
