package io.tanuki4j.tokenizer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The parts of a {@code tokenizer.json} that several of its makers use. */
final class JsonSteps {
  private JsonSteps() {}

  /** Returns a part that has nothing but a type. */
  static Map<String, @Nullable Object> step(String type) {
    Map<String, @Nullable Object> step = new LinkedHashMap<>();
    step.put("type", type);
    return step;
  }

  /**
   * Returns steps as one.
   *
   * @param name of the list: {@code normalizers}, {@code pretokenizers} or {@code decoders}
   * @return null for no steps
   */
  static @Nullable Map<String, @Nullable Object> sequence(
      String name, List<Map<String, @Nullable Object>> steps) {
    if (steps.isEmpty()) {
      return null;
    }
    Map<String, @Nullable Object> sequence = step("Sequence");
    sequence.put(name, steps);
    return sequence;
  }

  /** Returns the step that replaces every occurrence of a text. */
  static Map<String, @Nullable Object> replace(String text, String by) {
    return replaceBy(Map.of("String", text), by);
  }

  /**
   * Returns the step that replaces every match of a pattern.
   *
   * @param regex in the syntax of Oniguruma
   */
  static Map<String, @Nullable Object> replaceMatches(String regex, String by) {
    return replaceBy(Map.of("Regex", regex), by);
  }

  private static Map<String, @Nullable Object> replaceBy(Map<String, String> pattern, String by) {
    Map<String, @Nullable Object> step = step("Replace");
    step.put("pattern", pattern);
    step.put("content", by);
    return step;
  }

  /**
   * Returns the step that cuts a text at the matches of a pattern.
   *
   * @param behavior what becomes of a match: {@code Isolated}, or {@code MergedWithPrevious}
   */
  static Map<String, @Nullable Object> split(String regex, String behavior) {
    Map<String, @Nullable Object> step = step("Split");
    step.put("pattern", Map.of("Regex", regex));
    step.put("behavior", behavior);
    step.put("invert", false);
    return step;
  }

  /** Returns a token that is found whole in a text, before anything else is done with it. */
  static Map<String, @Nullable Object> token(String content) {
    Map<String, @Nullable Object> token = new LinkedHashMap<>();
    token.put("content", content);
    token.put("single_word", false);
    token.put("lstrip", false);
    token.put("rstrip", false);
    token.put("normalized", false);
    token.put("special", true);
    return token;
  }

  /** Returns a whole {@code tokenizer.json} without its parts. */
  static Map<String, @Nullable Object> file() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("version", "1.0");
    json.put("truncation", null);
    json.put("padding", null);
    return json;
  }

  /** Returns a literal text as a pattern. */
  static String quote(String text) {
    return text.replaceAll("[\\\\.+*?()|\\[\\]{}^$#&~-]", "\\\\$0");
  }
}
