package io.tanuki4j.flags;

import io.tanuki4j.config.PythonText;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The flags that must be equal on all ranks of a run, as texts: those that have an effect, except
 * for what depends on the machine. For files and folders only the last name counts, because
 * machines may keep them in different places.
 */
final class SharedFlags {
  private static final Set<String> OF_MACHINE =
      Set.of("--cuda-lib-dir", "--data-cache-path", "--no-mmap-bin-files", "--num-workers");

  private static final Set<String> LISTS_OF_PATHS =
      Set.of("--data-path", "--train-data-path", "--valid-data-path", "--test-data-path");

  private SharedFlags() {}

  /**
   * Returns the shared flags.
   *
   * @param options with the values that were derived
   * @return values by the flags' names
   */
  static Map<String, String> of(Collection<OptionSpec> options) {
    return options.stream()
        .filter(SharedFlags::isShared)
        .collect(Collectors.toMap(SharedFlags::name, SharedFlags::text, (a, b) -> a, TreeMap::new));
  }

  private static boolean isShared(OptionSpec option) {
    boolean hasNoEffect = option.userObject() instanceof UnsupportedFlag flag && flag.hasNoEffect();
    return !hasNoEffect && !OF_MACHINE.contains(name(option));
  }

  private static String name(OptionSpec option) {
    return option.names()[0];
  }

  private static String text(OptionSpec option) {
    Object value = option.getValue();
    if (OptionTypes.isBoolean(option)) {
      boolean given = Boolean.TRUE.equals(value) != Boolean.TRUE.equals(option.initialValue());
      return given ? "given" : "not given";
    }
    return value == null ? "not given" : PythonText.of(withoutPlaces(option, value));
  }

  private static Object withoutPlaces(OptionSpec option, Object value) {
    if (value instanceof List<?> words && LISTS_OF_PATHS.contains(name(option))) {
      return words.stream().map(word -> lastName(Path.of(word.toString()))).toList();
    }
    return value instanceof Path path ? lastName(path) : value;
  }

  private static String lastName(Path path) {
    @Nullable Path last = path.getFileName();
    return last == null ? path.toString() : last.toString();
  }
}
