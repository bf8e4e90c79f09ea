package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.SentencePieceModel.Normalizer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * How SentencePiece prepares a text, as steps of Hugging Face's tokenizers library.
 *
 * @param userPieces texts that the preparation leaves unchanged
 */
record SentencePieceNormalizerJson(SentencePieceModel model, List<String> userPieces) {
  /** Private characters that stand for user pieces while a text is prepared. */
  private static final int FIRST_STAND_IN = 0x10F000;

  /** Returns the normalizer; null for none. */
  @Nullable Map<String, @Nullable Object> toJson() {
    Normalizer rules = model.normalizer();
    List<Map<String, @Nullable Object>> steps = new ArrayList<>();
    boolean changesText = rules.charsMap().length > 0 || rules.removesBlanks();
    if (changesText) {
      forEachStandIn((piece, standIn) -> steps.add(JsonSteps.replace(piece, standIn)));
    }
    addRules(steps);
    addBlanks(steps);
    if (changesText) {
      forEachStandIn((piece, standIn) -> steps.add(JsonSteps.replace(standIn, piece)));
    }
    return JsonSteps.sequence("normalizers", steps);
  }

  private void forEachStandIn(BiConsumer<String, String> action) {
    for (int i = 0; i < userPieces.size(); i++) {
      action.accept(userPieces.get(i), Character.toString(FIRST_STAND_IN + i));
    }
  }

  /**
   * Adds the compiled rules. The library applies them to a character and its marks as one unit, and
   * then drops or leaves marks. NFC composes what was left. The library also treats CR LF as one
   * character; rules that begin with nmt turn both into spaces.
   */
  private void addRules(List<Map<String, @Nullable Object>> steps) {
    Normalizer rules = model.normalizer();
    if (rules.charsMap().length == 0) {
      return;
    }
    if (rules.rules().startsWith("nmt_")) {
      steps.add(JsonSteps.replace("\r", "\n"));
    }
    Map<String, @Nullable Object> compiled = JsonSteps.step("Precompiled");
    compiled.put("precompiled_charsmap", Base64.getEncoder().encodeToString(rules.charsMap()));
    steps.add(compiled);
    if (rules.rules().contains("nfkc")) {
      steps.add(JsonSteps.step("NFC"));
    }
  }

  private void addBlanks(List<Map<String, @Nullable Object>> steps) {
    Normalizer rules = model.normalizer();
    String blank = rules.marksBlanks() ? SentencePieceModel.BLANK : " ";
    if (rules.removesBlanks()) {
      steps.add(JsonSteps.replaceMatches(" {2,}", " "));
      steps.add(JsonSteps.replaceMatches("\\A +|[ " + blank.strip() + "]+\\z", ""));
    }
    if (rules.addsBlank()) {
      steps.add(model.trainer().blanksBehind() ? append(blank) : prepend(blank));
    }
    if (rules.marksBlanks()) {
      steps.add(JsonSteps.replace(" ", blank));
    }
  }

  private static Map<String, @Nullable Object> append(String blank) {
    return JsonSteps.replaceMatches("(?!\\A)\\z", blank);
  }

  private static Map<String, @Nullable Object> prepend(String blank) {
    Map<String, @Nullable Object> step = JsonSteps.step("Prepend");
    step.put("prepend", blank);
    return step;
  }
}
