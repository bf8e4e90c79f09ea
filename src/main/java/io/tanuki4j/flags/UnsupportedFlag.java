package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;
import java.util.Arrays;
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
 * @param effect what giving the flag does
 * @param allowed the values that may be given, where only some may; otherwise empty
 * @param text why there is no effect, or what to do instead; the name of the feature
 */
record UnsupportedFlag(
    List<String> names,
    String dest,
    String type,
    String initial,
    Effect effect,
    List<String> allowed,
    String text) {

  /** What giving a flag does, and the word for it in the table. */
  enum Effect {
    /** Nothing, whatever its value. */
    NONE("*"),
    /** Nothing in training: it is how Megatron's checkpoints keep the same weights. */
    ONLY_STORED("stored"),
    /** Nothing: it only shapes one of the {@link MissingFeatures}. */
    NONE_WITHOUT_FEATURE("detail"),
    /** It asks for one of the {@link MissingFeatures}. */
    ASKS_FOR_FEATURE("feature"),
    /** It is refused. */
    REFUSED("-"),
    /** It is refused: Megatron itself has dropped it. It is known only to name its successor. */
    REMOVED("removed"),
    /** It must be given, because what it asks for is all there is. */
    REQUIRED("given"),
    /** Some of its values may be given, and the table lists them. */
    SOME_VALUES("");

    private final String word;

    Effect(String word) {
      this.word = word;
    }

    /** Returns the effect that a cell of the table names. */
    static Effect of(String cell) {
      return Arrays.stream(values())
          .filter(effect -> effect.word.equals(cell))
          .findFirst()
          .orElse(SOME_VALUES);
    }
  }

  private static final int MAX_LABEL = 50;

  /** Returns whether training is the same with it. */
  boolean hasNoEffect() {
    return effect == Effect.NONE || effect == Effect.NONE_WITHOUT_FEATURE || isOnlyStored();
  }

  /** Returns whether it acts on Megatron's checkpoints. */
  boolean isOnlyStored() {
    return effect == Effect.ONLY_STORED;
  }

  boolean isOfFeature() {
    return effect == Effect.ASKS_FOR_FEATURE || effect == Effect.NONE_WITHOUT_FEATURE;
  }

  /** Returns whether a value asks for a feature that is missing: any but Megatron's default. */
  boolean asksForFeature(@Nullable Object value) {
    return effect == Effect.ASKS_FOR_FEATURE && !Objects.equals(value, initialValue());
  }

  /** Returns whether Megatron itself has dropped the flag. */
  boolean isRemoved() {
    return effect == Effect.REMOVED;
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
    if (!isAllowed(value)) {
      problems.add(name(), shown(value, explicit), expected(), text);
    } else if (hasNoEffect() && explicit && type.contains("|")) {
      problems.oneOf(name(), String.valueOf(value), List.of(type.split("\\|", -1)));
    }
  }

  private boolean isAllowed(@Nullable Object value) {
    return switch (effect) {
      case NONE, ONLY_STORED, NONE_WITHOUT_FEATURE -> true;
      case REFUSED, REMOVED, ASKS_FOR_FEATURE -> Objects.equals(value, initialValue());
      case REQUIRED -> Boolean.TRUE.equals(value) == type.equals("flag");
      case SOME_VALUES -> value == null || allowed.contains(plain(value));
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
    return switch (effect) {
      case SOME_VALUES -> String.join(" or ", allowed);
      case REQUIRED -> "given";
      default -> "not given";
    };
  }

  /** Returns a value as a message shows it. */
  String shown(@Nullable Object value, boolean explicit) {
    boolean isFlag = type.equals("flag") || type.equals("noflag");
    if (isFlag) {
      return effect == Effect.REQUIRED ? "not given" : "given";
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
