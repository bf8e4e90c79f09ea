package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import java.lang.reflect.Field;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The flags of one command line under Megatron's attribute names ({@code dest} in argparse): an
 * option's field in snake case, or the name that the table of other flags gives.
 */
final class Arguments {
  private final Map<String, OptionSpec> options = new TreeMap<>();
  private final Set<String> explicit = new HashSet<>();

  private Arguments(CommandSpec command) {
    for (OptionSpec option : command.options()) {
      if (!option.usageHelp() && !option.versionHelp() && !option.inherited()) {
        options.put(dest(option), option);
      }
    }
  }

  /** Reads the words into the command's options; mistakes go to the problems. */
  static Arguments parse(CommandSpec command, List<String> words, Problems problems) {
    Arguments arguments = new Arguments(command);
    for (OptionSpec option : Argparse.parse(command, words, problems)) {
      arguments.explicit.add(dest(option));
    }
    return arguments;
  }

  static String dest(OptionSpec option) {
    if (option.userObject() instanceof UnsupportedFlag flag) {
      return flag.dest();
    }
    return option.userObject() instanceof Field field
        ? field.getName().replaceAll("(\\p{Lu})", "_$1").toLowerCase(Locale.ROOT)
        : option.longestName();
  }

  /** Returns whether the user gave the flag. */
  boolean isExplicit(String dest) {
    return explicit.contains(dest);
  }

  /** Returns the flag as the user writes it. */
  String flag(String dest) {
    return option(dest).names()[0];
  }

  @Nullable Object get(String dest) {
    return option(dest).getValue();
  }

  /** Converts another program's value to the flag's type; null if that is impossible. */
  @Nullable Object coerce(String dest, Object value) {
    return OptionTypes.coerce(option(dest), value);
  }

  void set(String dest, Object value) {
    option(dest).setValue(value);
  }

  /** Returns the options, with the values of the command line and those derived from them. */
  Collection<OptionSpec> options() {
    return options.values();
  }

  private OptionSpec option(String dest) {
    OptionSpec option = options.get(dest);
    if (option == null) {
      throw new IllegalStateException("no flag has the attribute " + dest);
    }
    return option;
  }

  /**
   * Returns all values, given and derived. Leaves out flags that have no effect and were not given.
   */
  Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> map = new TreeMap<>();
    options.forEach(
        (dest, option) -> {
          if (isExplicit(dest) || !isWithoutEffect(option)) {
            map.put(dest, plain(option.getValue()));
          }
        });
    return map;
  }

  private static boolean isWithoutEffect(OptionSpec option) {
    return option.userObject() instanceof UnsupportedFlag flag
        && (flag.hasNoEffect() || flag.isOfFeature());
  }

  private static @Nullable Object plain(@Nullable Object value) {
    return value instanceof Path path ? path.toString() : value;
  }
}
