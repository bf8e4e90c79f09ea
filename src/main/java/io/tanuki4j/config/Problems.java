package io.tanuki4j.config;

import java.util.ArrayList;
import java.util.List;

/** Collects everything that is wrong with a configuration, so that the user sees it all at once. */
public final class Problems {
  private final List<String> sentences = new ArrayList<>();

  /**
   * @param flag as the user writes it, {@code --micro-batch-size}
   * @param value what was given, or "not given"
   * @param expected what would be right
   * @param remedy what to do, a sentence
   */
  public void add(String flag, Object value, String expected, String remedy) {
    sentences.add("%s: %s (expected: %s). %s".formatted(flag, value, expected, remedy));
  }

  public boolean isEmpty() {
    return sentences.isEmpty();
  }

  public List<String> sentences() {
    return List.copyOf(sentences);
  }

  /**
   * @throws ConfigException if there are problems; its message has one line for each
   */
  public void throwIfAny() {
    if (!sentences.isEmpty()) {
      throw new ConfigException(String.join("\n", sentences));
    }
  }
}
