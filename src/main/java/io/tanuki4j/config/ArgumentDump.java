package io.tanuki4j.config;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Megatron's list of all arguments, which a run prints before it starts. */
public final class ArgumentDump {
  private static final int DOTS_END_AT = 48;

  private ArgumentDump() {}

  /**
   * Returns the lines of the list.
   *
   * @param arguments by Megatron's attribute names, see {@link RunConfig#arguments}
   * @return the lines in Megatron's order: by the whole line, lower-cased
   */
  public static List<String> lines(Map<String, ? extends @Nullable Object> arguments) {
    Stream<String> sorted =
        arguments.entrySet().stream()
            .map(argument -> line(argument.getKey(), argument.getValue()))
            .sorted(Comparator.comparing((String line) -> line.toLowerCase(Locale.ROOT)));
    return Stream.of(
            Stream.of("------------------------ arguments ------------------------"),
            sorted,
            Stream.of("-------------------- end of arguments ---------------------"))
        .flatMap(lines -> lines)
        .toList();
  }

  private static String line(String name, @Nullable Object value) {
    String dots = ".".repeat(Math.max(0, DOTS_END_AT - name.length()));
    return "  " + name + " " + dots + " " + PythonText.of(value);
  }
}
