package io.tanuki4j.convert.huggingface;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A SentencePiece unigram model that takes texts as they are, in the form of Hugging Face's
 * tokenizers library ({@code tokenizer.json}).
 *
 * @param pieces by id, with {@code ▁} for a blank
 * @param addsBlank whether each text gets a blank in front
 */
public record HfUnigram(
    List<Piece> pieces, boolean addsBlank, boolean byteFallback, int unknownId) {

  /**
   * @param special whether it is found whole in a text, before the text is encoded
   */
  public record Piece(String text, float score, boolean special) {}

  /**
   * @param added pieces behind those of the model, by id
   * @param bos in front of each text; null for none
   */
  Map<String, @Nullable Object> toJson(Map<Integer, String> added, @Nullable String bos) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("version", "1.0");
    json.put("truncation", null);
    json.put("padding", null);
    json.put("added_tokens", addedTokens(added));
    json.put("normalizer", sequence("normalizers", normalizers()));
    json.put("pre_tokenizer", null);
    json.put("post_processor", bos == null ? null : withBos(bos));
    json.put("decoder", sequence("decoders", decoders()));
    json.put("model", model());
    return json;
  }

  /** A token that is found whole. */
  static Map<String, Object> token(String piece) {
    Map<String, Object> token = new LinkedHashMap<>();
    token.put("content", piece);
    token.put("single_word", false);
    token.put("lstrip", false);
    token.put("rstrip", false);
    token.put("normalized", false);
    token.put("special", true);
    return token;
  }

  private List<Map<String, Object>> addedTokens(Map<Integer, String> added) {
    List<Map<String, Object>> tokens = new ArrayList<>();
    for (int id = 0; id < pieces.size(); id++) {
      if (pieces.get(id).special()) {
        tokens.add(withId(id, pieces.get(id).text()));
      }
    }
    added.forEach((id, piece) -> tokens.add(withId(id, piece)));
    return tokens;
  }

  private static Map<String, Object> withId(int id, String piece) {
    Map<String, Object> token = new LinkedHashMap<>();
    token.put("id", id);
    token.putAll(token(piece));
    return token;
  }

  private List<Map<String, Object>> normalizers() {
    Map<String, Object> marks = step("Replace");
    marks.put("pattern", Map.of("String", " "));
    marks.put("content", "\u2581");
    if (!addsBlank) {
      return List.of(marks);
    }
    Map<String, Object> prepend = step("Prepend");
    prepend.put("prepend", "\u2581");
    return List.of(prepend, marks);
  }

  private List<Map<String, Object>> decoders() {
    List<Map<String, Object>> decoders = new ArrayList<>();
    Map<String, Object> blanks = step("Replace");
    blanks.put("pattern", Map.of("String", "\u2581"));
    blanks.put("content", " ");
    decoders.add(blanks);
    if (byteFallback) {
      decoders.add(step("ByteFallback"));
    }
    decoders.add(step("Fuse"));
    if (addsBlank) {
      Map<String, Object> strip = step("Strip");
      strip.put("content", " ");
      strip.put("start", 1);
      strip.put("stop", 0);
      decoders.add(strip);
    }
    return decoders;
  }

  private Map<String, Object> model() {
    Map<String, Object> model = step("Unigram");
    model.put("unk_id", unknownId);
    model.put("byte_fallback", byteFallback);
    model.put(
        "vocab",
        pieces.stream().map(piece -> List.of(piece.text(), (double) piece.score())).toList());
    return model;
  }

  private Map<String, Object> withBos(String bos) {
    Map<String, Object> bosToken = Map.of("SpecialToken", Map.of("id", bos, "type_id", 0));
    Map<String, Object> first = Map.of("Sequence", Map.of("id", "A", "type_id", 0));
    Map<String, Object> second = Map.of("Sequence", Map.of("id", "B", "type_id", 0));
    int id = pieces.stream().map(Piece::text).toList().indexOf(bos);
    Map<String, Object> processor = step("TemplateProcessing");
    processor.put("single", List.of(bosToken, first));
    processor.put("pair", List.of(bosToken, first, bosToken, second));
    processor.put(
        "special_tokens",
        Map.of(bos, Map.of("id", bos, "ids", List.of(id), "tokens", List.of(bos))));
    return processor;
  }

  private static Map<String, Object> sequence(String name, List<Map<String, Object>> steps) {
    Map<String, Object> sequence = step("Sequence");
    sequence.put(name, steps);
    return sequence;
  }

  private static Map<String, Object> step(String type) {
    Map<String, Object> step = new LinkedHashMap<>();
    step.put("type", type);
    return step;
  }
}
