package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Reads words into options by the rules of Python's argparse, which Megatron's users know: {@code
 * --flag value} and {@code --flag=value}, no abbreviations, a later flag replaces an earlier one
 * (lists too), lists end at the next flag, numbers are Python's. Reports every mistake and reads
 * on.
 */
final class Argparse {
  private final CommandSpec command;
  private final Map<String, OptionSpec> options;
  private final Problems problems;
  private final Deque<String> words;
  private final Set<OptionSpec> given = new LinkedHashSet<>();

  private Argparse(CommandSpec command, List<String> words, Problems problems) {
    this.command = command;
    this.options = command.optionsMap();
    this.words = new ArrayDeque<>(words);
    this.problems = problems;
  }

  /** Sets the options' values. Returns the options that the words name. */
  static Set<OptionSpec> parse(CommandSpec command, List<String> words, Problems problems) {
    Argparse parser = new Argparse(command, words, problems);
    while (!parser.words.isEmpty()) {
      parser.next(parser.words.removeFirst());
    }
    return parser.given;
  }

  private void next(String word) {
    int equals = word.indexOf('=');
    boolean inline = isFlag(word) && equals > 0 && !options.containsKey(word);
    String name = inline ? word.substring(0, equals) : word;
    if (inline) {
      words.addFirst(word.substring(equals + 1));
    }
    OptionSpec option = options.get(name);
    if (option == null) {
      unknown(name, inline);
    } else if (OptionTypes.isBoolean(option)) {
      flag(option, name, inline);
    } else if (option.isMultiValue()) {
      List<Object> values = new ArrayList<>();
      for (String text : values(inline)) {
        convert(option.auxiliaryTypes()[0], name, text).ifPresent(values::add);
      }
      set(option, values);
    } else {
      single(option, name, inline);
    }
  }

  private void flag(OptionSpec option, String name, boolean inline) {
    if (inline) {
      String remedy = "Write " + name + " alone, or leave it out.";
      problems.add(name, words.removeFirst(), "no value", remedy);
    } else {
      set(option, !Boolean.TRUE.equals(option.initialValue()));
    }
  }

  private void single(OptionSpec option, String name, boolean inline) {
    if (!inline && (words.isEmpty() || isFlag(words.peekFirst()))) {
      problems.add(
          name, "no value", OptionTypes.expected(option.type()), "Write a value after the flag.");
      return;
    }
    convert(option.type(), name, words.removeFirst()).ifPresent(value -> set(option, value));
  }

  /** Converts a text; reports one that the type cannot hold. */
  private Optional<Object> convert(Class<?> type, String name, String text) {
    try {
      return Optional.of(OptionTypes.convert(type, text));
    } catch (IllegalArgumentException e) {
      String shown = text.isBlank() ? "an empty value" : text;
      problems.add(name, shown, OptionTypes.expected(type), OptionTypes.remedy(type, text));
      return Optional.empty();
    }
  }

  private void unknown(String name, boolean inline) {
    if (!isFlag(name)) {
      problems.add(name, "without a flag", "flags only", "Write it after the flag it belongs to.");
      return;
    }
    List<String> values = values(inline);
    problems.add(
        name,
        values.isEmpty() ? "given" : String.join(" ", values),
        "a flag of tanuki4j " + command.name(),
        NearestNames.question(
            name, options.keySet(), "tanuki4j " + command.name() + " --help lists the flags."));
  }

  /**
   * Returns a flag's values: one after an equals sign, as in argparse, otherwise all up to the next
   * flag.
   */
  private List<String> values(boolean inline) {
    if (inline) {
      return List.of(words.removeFirst());
    }
    List<String> values = new ArrayList<>();
    while (!words.isEmpty() && !isFlag(words.peekFirst())) {
      values.add(words.removeFirst());
    }
    return values;
  }

  private void set(OptionSpec option, Object value) {
    option.setValue(value);
    given.add(option);
  }

  /** Returns whether a word is a flag: it begins with a dash and is not a negative number. */
  private static boolean isFlag(String word) {
    return word.length() > 1 && word.startsWith("-") && !PythonNumbers.isDouble(word);
  }
}
