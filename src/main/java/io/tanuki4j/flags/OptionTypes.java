package io.tanuki4j.flags;

import java.nio.file.Path;
import java.util.Collection;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** Reads values of options by their types, and names the types in messages. */
public final class OptionTypes {
  private OptionTypes() {}

  static boolean isBoolean(OptionSpec option) {
    return option.type() == boolean.class || option.type() == Boolean.class;
  }

  /**
   * Converts a text to a type.
   *
   * @throws IllegalArgumentException if the type cannot hold the text
   */
  static Object convert(Class<?> type, String text) {
    if (isInteger(type)) {
      return PythonNumbers.parseInt(text);
    }
    if (isLong(type)) {
      return PythonNumbers.parseLong(text);
    }
    if (isDouble(type)) {
      return PythonNumbers.parseDouble(text);
    }
    if (type == Path.class) {
      if (text.isBlank()) {
        throw new IllegalArgumentException("empty path");
      }
      return Path.of(text);
    }
    return text;
  }

  /** Returns a message's words for the values of a type. */
  public static String expected(Class<?> type) {
    if (isInteger(type) || isLong(type)) {
      return "an integer";
    }
    if (isDouble(type)) {
      return "a number";
    }
    return type == Path.class ? "a path" : "a text";
  }

  /** Returns how to correct a text that the type cannot hold. */
  public static String remedy(Class<?> type, String text) {
    if (type == Path.class) {
      return "Write the path of a file or folder.";
    }
    if (!isDouble(type) && PythonNumbers.isDouble(text)) {
      double value = PythonNumbers.parseDouble(text);
      if (value != Math.rint(value) || Math.abs(value) > Integer.MAX_VALUE) {
        return "Write a whole number up to " + Integer.MAX_VALUE + ".";
      }
      return "Write " + (long) value + ".";
    }
    return isDouble(type) ? "Write it like 0.1 or 1e-4." : "Write it in digits, like 1000.";
  }

  private static boolean isInteger(Class<?> type) {
    return type == int.class || type == Integer.class;
  }

  private static boolean isLong(Class<?> type) {
    return type == long.class || type == Long.class;
  }

  private static boolean isDouble(Class<?> type) {
    return type == double.class || type == Double.class;
  }

  /** Converts another program's value (JSON has only doubles) to the option's type. */
  static @Nullable Object coerce(OptionSpec option, Object value) {
    Class<?> type = option.type();
    if (isBoolean(option)) {
      return value instanceof Boolean ? value : null;
    }
    if (option.isMultiValue()) {
      return value instanceof Collection<?> list
          ? list.stream().map(String::valueOf).toList()
          : null;
    }
    if (value instanceof Number number && isDouble(type)) {
      return number.doubleValue();
    }
    boolean whole = value instanceof Number number && number.doubleValue() == number.longValue();
    try {
      return convert(type, whole ? String.valueOf(((Number) value).longValue()) : value.toString());
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
