package io.tanuki4j.config;

import io.tanuki4j.metrics.PythonFormat;
import java.util.Collection;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Writes values as Python's {@code str()} does, as Megatron's dumps and messages have them. */
public final class PythonText {
  private PythonText() {}

  /** Returns {@code None}, {@code True}, {@code 1e-05}, {@code ['a', 'b']}; others unchanged. */
  public static String of(@Nullable Object value) {
    if (value == null) {
      return "None";
    }
    if (value instanceof Boolean flag) {
      return flag ? "True" : "False";
    }
    if (value instanceof Double || value instanceof Float) {
      return PythonFormat.repr(((Number) value).doubleValue());
    }
    if (value instanceof Collection<?> list) {
      return list.stream().map(PythonText::element).collect(Collectors.joining(", ", "[", "]"));
    }
    return value.toString();
  }

  private static String element(@Nullable Object value) {
    if (!(value instanceof String text)) {
      return of(value);
    }
    String escaped = text.replace("\\", "\\\\");
    return text.contains("'") && !text.contains("\"")
        ? '"' + escaped + '"'
        : "'" + escaped.replace("'", "\\'") + "'";
  }
}
