package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A flag of Megatron that configures nothing here: it has no effect by design, or this system
 * supports only some of its values so far.
 *
 * @param names the flag and its aliases
 * @param dest Megatron's attribute
 * @param type flag, noflag (given means False), int, float, str, list, or choices like {@code a|b}
 * @param initial Megatron's default
 * @param allowed values that may be given; {@code *} for any, without effect; {@code -} for none;
 *     {@code given} for a flag that must be present; {@code feature} for a flag that asks for one
 *     of the {@link MissingFeatures}; {@code detail} for one that only shapes such a feature, and
 *     has no effect without it
 * @param text why there is no effect, or what to do instead; the name of the feature
 */
record UnsupportedFlag(
    List<String> names, String dest, String type, String initial, String allowed, String text) {

  private static final int MAX_LABEL = 50;

  boolean hasNoEffect() {
    return allowed.equals("*") || allowed.equals("detail");
  }

  boolean isOfFeature() {
    return allowed.equals("feature") || allowed.equals("detail");
  }

  /** Returns whether a value asks for a feature that is missing: any but Megatron's default. */
  boolean asksForFeature(@Nullable Object value) {
    return allowed.equals("feature") && !Objects.equals(value, initialValue());
  }

  /**
   * Returns whether Megatron itself has dropped the flag. It is known only to name its successor.
   */
  boolean isRemoved() {
    return allowed.equals("removed");
  }

  String name() {
    return names.get(0);
  }

  OptionSpec toOption() {
    OptionSpec.Builder option =
        OptionSpec.builder(names.toArray(String[]::new))
            .userObject(this)
            .description(text)
            .initialValue(initialValue())
            .paramLabel(label());
    switch (type) {
      case "flag", "noflag" -> option.type(boolean.class).arity("0");
      case "int" -> option.type(Integer.class);
      case "float" -> option.type(Double.class);
      case "list" -> option.type(List.class).auxiliaryTypes(String.class).arity("0..*");
      default -> option.type(String.class);
    }
    OptionSpec built = option.build();
    built.setValue(initialValue());
    return built;
  }

  private String label() {
    return switch (type) {
      case "int" -> "N";
      case "float" -> "X";
      case "str" -> "TEXT";
      case "list" -> "TEXT...";
      default -> type.length() > MAX_LABEL ? "WORD" : type;
    };
  }

  /** Reports a value that this system, or Megatron, does not support. */
  void check(@Nullable Object value, boolean explicit, Problems problems) {
    if (!hasNoEffect()) {
      if (!isAllowed(value)) {
        problems.add(name(), shown(value, explicit), expected(), text);
      }
    } else if (explicit && type.contains("|")) {
      problems.oneOf(name(), String.valueOf(value), List.of(type.split("\\|", -1)));
    }
  }

  private boolean isAllowed(@Nullable Object value) {
    return switch (allowed) {
      case "-", "removed", "feature" -> Objects.equals(value, initialValue());
      case "given" -> Boolean.TRUE.equals(value) == type.equals("flag");
      default -> value == null || List.of(allowed.split(",", -1)).contains(plain(value));
    };
  }

  private static String plain(@Nullable Object value) {
    if (value instanceof Double number && number == Math.rint(number)) {
      return Long.toString(number.longValue());
    }
    if (value instanceof List<?> list) {
      return list.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }
    return PythonText.of(value);
  }

  private String expected() {
    return switch (allowed) {
      case "-", "removed", "feature" -> "not given";
      default -> allowed.replace(",", " or ");
    };
  }

  /** Returns a value as a message shows it. */
  String shown(@Nullable Object value, boolean explicit) {
    boolean isFlag = type.equals("flag") || type.equals("noflag");
    if (isFlag) {
      return allowed.equals("given") ? "not given" : "given";
    }
    boolean given = explicit || !Objects.equals(value, initialValue());
    return given ? plain(value) : "not given, which means " + PythonText.of(value);
  }

  private @Nullable Object initialValue() {
    return switch (type) {
      case "flag" -> false;
      case "noflag" -> true;
      default -> initial.equals("-") ? null : initialNumberOrText();
    };
  }

  private Object initialNumberOrText() {
    return switch (type) {
      case "int" -> Integer.valueOf(initial);
      case "float" -> Double.valueOf(initial);
      case "list" -> List.of(initial.split(",", -1));
      default -> initial;
    };
  }
}
