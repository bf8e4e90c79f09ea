package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.SentencePieceModel.Algorithm;
import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A SentencePiece model in the form of Hugging Face's tokenizers library ({@code tokenizer.json}).
 * A text that spells a control piece becomes that piece, as in every tokenizer of Hugging Face.
 *
 * @param model not a word model, which the library does not support
 * @param specials ids of tokens that are found whole in a text, before SentencePiece sees it
 */
record SentencePieceJson(SentencePieceModel model, Map<String, Integer> specials) {
  /** More spaces than any text begins with. */
  private static final int ANY_NUMBER = 1 << 20;

  /**
   * Returns the file's content.
   *
   * @param bosId of the token in front of each text; null for none
   */
  Map<String, @Nullable Object> toJson(@Nullable Integer bosId) {
    Map<String, @Nullable Object> json = JsonSteps.file();
    json.put("added_tokens", addedTokens());
    List<String> userPieces = userPieces();
    json.put("normalizer", new SentencePieceNormalizerJson(model, userPieces).toJson());
    json.put("pre_tokenizer", JsonSteps.sequence("pretokenizers", cuts(userPieces)));
    json.put(
        "post_processor",
        bosId == null
            ? null
            : JsonSteps.template(bosId, model.pieces().get(bosId).text(), null, ""));
    json.put("decoder", JsonSteps.sequence("decoders", decoders()));
    json.put("model", new SentencePieceModelJson(model, !userPieces.isEmpty()).toJson());
    return json;
  }

  private List<Map<String, @Nullable Object>> addedTokens() {
    TreeMap<Integer, String> byId = new TreeMap<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      Kind kind = model.pieces().get(id).kind();
      if (kind == Kind.CONTROL || kind == Kind.UNKNOWN) {
        byId.put(id, model.pieces().get(id).text());
      }
    }
    specials.forEach((token, id) -> byId.put(id, token));
    List<Map<String, @Nullable Object>> tokens = new ArrayList<>();
    byId.forEach((id, token) -> tokens.add(JsonSteps.token(id, token)));
    return tokens;
  }

  /**
   * Returns the pieces that are matched in texts before all others, the longest first. A model that
   * marks spaces never yields a piece with a space.
   */
  private List<String> userPieces() {
    boolean marksBlanks = model.normalizer().marksBlanks();
    return model.pieces().stream()
        .filter(piece -> piece.kind() == Kind.USER_DEFINED)
        .map(Piece::text)
        .filter(piece -> !specials.containsKey(piece))
        .filter(piece -> !(marksBlanks && piece.contains(" ")))
        .sorted(Comparator.comparing(String::length).reversed())
        .toList();
  }

  private List<Map<String, @Nullable Object>> cuts(List<String> userPieces) {
    List<Map<String, @Nullable Object>> cuts = new ArrayList<>();
    if (!userPieces.isEmpty() && !isUnigram()) {
      cuts.add(JsonSteps.split(anyOf(userPieces), "Isolated"));
    }
    String namesOfPieces = namesOfPieces();
    if (!namesOfPieces.isEmpty()) {
      cuts.add(JsonSteps.split(namesOfPieces, "MergedWithPrevious"));
    }
    return cuts;
  }

  private boolean isUnigram() {
    return model.trainer().algorithm() == Algorithm.UNIGRAM;
  }

  private static String anyOf(List<String> texts) {
    return texts.stream().map(JsonSteps::quote).collect(Collectors.joining("|"));
  }

  /**
   * Returns a pattern for the first character of text that spells a piece which never comes from
   * text. Without a cut there, the library would mistake the text for the piece.
   */
  private String namesOfPieces() {
    List<String> names = new ArrayList<>();
    if (model.normalizer().charsMap().length > 0) { // which may turn other text into such a name
      model.pieces().stream()
          .filter(piece -> piece.kind() == Kind.CONTROL || piece.kind() == Kind.UNKNOWN)
          .map(Piece::text)
          .filter(name -> name.length() > 1 && name.charAt(0) == '<')
          .forEach(name -> names.add(JsonSteps.quote(name.substring(1))));
    }
    if (model.pieces().stream().anyMatch(piece -> piece.kind() == Kind.BYTE)) {
      names.add("0x[0-9A-F]{2}>");
    }
    return names.isEmpty() ? "" : "<(?=%s)".formatted(String.join("|", names));
  }

  private List<Map<String, @Nullable Object>> decoders() {
    List<Map<String, @Nullable Object>> decoders = new ArrayList<>();
    decoders.add(JsonSteps.replace(SentencePieceModel.BLANK, " "));
    if (model.trainer().byteFallback()) {
      decoders.add(JsonSteps.step("ByteFallback"));
    }
    decoders.add(JsonSteps.step("Fuse"));
    int dropped = droppedBlanks();
    if (dropped > 0) {
      Map<String, @Nullable Object> strip = JsonSteps.step("Strip");
      strip.put("content", " ");
      strip.put("start", dropped);
      strip.put("stop", 0);
      decoders.add(strip);
    }
    return decoders;
  }

  private int droppedBlanks() {
    if (!model.normalizer().marksBlanks() || model.trainer().blanksBehind()) {
      return 0;
    }
    return model.normalizer().removesBlanks() ? ANY_NUMBER : model.normalizer().addsBlank() ? 1 : 0;
  }

  /** Returns whether the library has a counterpart for the model. */
  static boolean canWrite(SentencePieceModel model) {
    return model.trainer().algorithm() != Algorithm.WORD;
  }
}
