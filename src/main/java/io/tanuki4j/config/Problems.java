package io.tanuki4j.config;

import io.tanuki4j.error.UserException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Collects everything that is wrong with a configuration, so that the user sees it all at once. */
public final class Problems {
  private final List<String> sentences = new ArrayList<>();
  private final Set<String> flags = new HashSet<>();

  /**
   * Adds a problem.
   *
   * @param flag as the user writes it, {@code --micro-batch-size}
   * @param value what was given, or "not given"
   * @param expected what would be right
   * @param remedy what to do, a sentence
   */
  public void add(String flag, Object value, String expected, String remedy) {
    flags.add(flag);
    sentences.add("%s: %s (expected: %s). %s".formatted(flag, value, expected, remedy));
  }

  /**
   * Reports a component's exception, whose message begins with its own name for the setting and a
   * colon.
   */
  public void add(String flag, UserException refusal) {
    String message = String.valueOf(refusal.getMessage());
    flags.add(flag);
    sentences.add(flag + message.substring(Math.max(0, message.indexOf(':'))));
  }

  /** Reports a required flag that is missing, unless its value could not be read. */
  public void required(String flag, @Nullable Object value, String expected, String remedy) {
    if (value == null && !flags.contains(flag)) {
      add(flag, "not given", expected, remedy);
    }
  }

  /** Reports a number that is not above zero. Accepts null. */
  public void positive(String flag, @Nullable Number value, String remedy) {
    if (value != null && !(value.doubleValue() > 0 && Double.isFinite(value.doubleValue()))) {
      add(flag, PythonText.of(value), "more than 0", remedy);
    }
  }

  /** Reports a number below zero. Accepts null. */
  public void notNegative(String flag, @Nullable Number value, String remedy) {
    if (value != null && !(value.doubleValue() >= 0 && Double.isFinite(value.doubleValue()))) {
      add(flag, PythonText.of(value), "0 or more", remedy);
    }
  }

  /** Reports a word that is not one of the choices. Accepts null. */
  public void oneOf(String flag, @Nullable String value, List<String> choices) {
    if (value != null && !choices.contains(value)) {
      add(flag, value, "one of " + String.join(", ", choices), "Write one of these.");
    }
  }

  /** Reports two flags of which only one may be given. */
  public void exclusive(String flag, @Nullable Object value, String other, @Nullable Object given) {
    if (isGiven(value) && isGiven(given)) {
      String shown = Boolean.TRUE.equals(value) ? "given" : PythonText.of(value);
      add(flag, shown, "not together with " + other, "Leave out one of the two.");
    }
  }

  private static boolean isGiven(@Nullable Object value) {
    return value != null && !Boolean.FALSE.equals(value);
  }

  public boolean isEmpty() {
    return sentences.isEmpty();
  }

  /**
   * Throws the problems as one exception.
   *
   * @throws ConfigException if there are problems; its message has one line for each
   */
  public void throwIfAny() {
    if (!sentences.isEmpty()) {
      throw new ConfigException(String.join("\n", sentences));
    }
  }
}
