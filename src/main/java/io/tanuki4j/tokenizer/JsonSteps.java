package io.tanuki4j.tokenizer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The parts of a {@code tokenizer.json} that several of its makers use. */
final class JsonSteps {
  private JsonSteps() {}

  /** Returns a part that has only a type. */
  static Map<String, @Nullable Object> step(String type) {
    Map<String, @Nullable Object> step = new LinkedHashMap<>();
    step.put("type", type);
    return step;
  }

  /**
   * Combines steps into one.
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
   * @param behavior what happens to a match: {@code Isolated}, or {@code MergedWithPrevious}
   */
  static Map<String, @Nullable Object> split(String regex, String behavior) {
    Map<String, @Nullable Object> step = step("Split");
    step.put("pattern", Map.of("Regex", regex));
    step.put("behavior", behavior);
    step.put("invert", false);
    return step;
  }

  /** Returns a token that is matched whole in a text, before any other step. */
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

  /** Returns such a token with its id. */
  static Map<String, @Nullable Object> token(int id, String content) {
    Map<String, @Nullable Object> token = new LinkedHashMap<>();
    token.put("id", id);
    token.putAll(token(content));
    return token;
  }

  /** Returns a complete {@code tokenizer.json} without its parts. */
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

  /**
   * Returns the template that puts tokens around a text.
   *
   * @param bosId of the token in front; null for none
   * @param eosId of the token behind; null for none
   */
  static Map<String, @Nullable Object> template(
      @Nullable Integer bosId, String bos, @Nullable Integer eosId, String eos) {
    Map<String, Object> tokens = new LinkedHashMap<>();
    List<Object> single =
        around(List.of(place("A", 0)), bosId == null ? null : bos, eosId == null ? null : eos, 0);
    List<Object> pair = new ArrayList<>(single);
    pair.addAll(
        around(List.of(place("B", 1)), bosId == null ? null : bos, eosId == null ? null : eos, 1));
    if (bosId != null) {
      tokens.put(bos, special(bos, bosId));
    }
    if (eosId != null) {
      tokens.put(eos, special(eos, eosId));
    }
    Map<String, @Nullable Object> processor = step("TemplateProcessing");
    processor.put("single", single);
    processor.put("pair", pair);
    processor.put("special_tokens", tokens);
    return processor;
  }

  private static Map<String, Object> place(String text, int type) {
    return Map.of("Sequence", Map.of("id", text, "type_id", type));
  }

  private static List<Object> around(
      List<?> text, @Nullable String bos, @Nullable String eos, int type) {
    List<Object> parts = new ArrayList<>(text);
    if (bos != null) {
      parts.add(0, Map.of("SpecialToken", Map.of("id", bos, "type_id", type)));
    }
    if (eos != null) {
      parts.add(Map.of("SpecialToken", Map.of("id", eos, "type_id", type)));
    }
    return parts;
  }

  private static Map<String, Object> special(String token, int id) {
    return Map.of("id", token, "ids", List.of(id), "tokens", List.of(token));
  }
}
