package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.SentencePieceModel.Algorithm;
import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Compares the results of SentencePiece and an exported {@code tokenizer.json} on texts: every
 * piece, and lines that are hard for tokenizers.
 */
record TokenizerComparison(SentencePieceModel model, Map<String, Integer> specials) {
  /** Scores are floats that sum to at most a few hundred, so their last bits differ. */
  private static final double EQUAL_SCORES = 1e-3;

  private static final int MAX_SHOWN = 60;

  private static final List<String> LINES =
      List.of(
          "a",
          " leading and trailing ",
          "two  blanks,   three, and at the end   ",
          "\ttabs\tin\t\ta line\t",
          "line\nfeeds\n\nand\r\nCRLF\n",
          "吾輩は猫である。名前はまだ無い。",
          "全角の空白\u3000と、ＡＢＣ１２３、ｶﾀｶﾅ、㍿、①、½、ﬁ",
          "か\u3099き\u3099く\u3099, e\u0301, Å, が",
          "～〜ー－-‐…．．．\u00a0\u200b\ufeff",
          "emoji 😀👍🏽👨\u200d👩\u200d👧🇯🇵, 𠮷, 葛\udb40\udd00",
          "def f(x):\n    return {\"x\": [x ** 2, 0x41]}  # <0x41>",
          "مرحبا नमस्ते 한국어 \u1112\u1161\u11ab Ελληνικά Привет ß İ ı",
          "\u2581a\u2581\u2581b ▁");

  /**
   * Requires that both give the same results.
   *
   * @param ours ids of SentencePiece for a text
   * @param decoded the text of ids, by SentencePiece
   * @param files the exported ones
   * @throws UserException with a text whose ids or decoded text differ
   */
  void requireSame(
      Function<String, int[]> ours, Function<int[], String> decoded, HuggingFaceFiles files) {
    try (HuggingFaceCodec theirs =
        new HuggingFaceCodec(model.file().toString(), files.tokenizer())) {
      for (String text : texts()) {
        int[] expected = ours.apply(text);
        int[] actual = theirs.encode(text);
        if (!Arrays.equals(expected, actual) && !isTie(expected, actual)) {
          throw differ("other ids", text, actual, expected);
        }
        String back = decoded.apply(expected);
        if (hasNoSign(expected) && !theirs.decode(expected).equals(back)) {
          throw differ("another text for the ids", text, theirs.decode(expected), back);
        }
      }
    }
  }

  private Collection<String> texts() {
    List<String> texts = new ArrayList<>();
    List<Piece> pieces = model.pieces();
    for (Piece piece : pieces) {
      if (piece.kind() == Kind.NORMAL || piece.kind() == Kind.USER_DEFINED) {
        texts.add(piece.text().replace(SentencePieceModel.BLANK, " "));
      }
      if (piece.kind() == Kind.USER_DEFINED) {
        texts.addAll(around(piece.text()));
      }
    }
    specials.keySet().forEach(special -> texts.addAll(around(special)));
    texts.addAll(LINES);
    return texts;
  }

  private static List<String> around(String token) {
    return List.of(
        token, "x" + token + "y", "x " + token + " y", token + token, "\n" + token + "\n");
  }

  /**
   * Returns whether two ways to cut a text are equally probable. Each library then takes its own.
   */
  private boolean isTie(int[] expected, int[] actual) {
    return model.trainer().algorithm() == Algorithm.UNIGRAM
        && Math.abs(score(expected) - score(actual)) < EQUAL_SCORES;
  }

  private double score(int[] ids) {
    int numPieces = model.pieces().size();
    return IntStream.of(ids)
        .mapToDouble(id -> id < numPieces ? model.pieces().get(id).score() : 0)
        .sum();
  }

  /** Returns whether no id is one that SentencePiece shows in a special way. */
  private boolean hasNoSign(int[] ids) {
    int numPieces = model.pieces().size();
    return IntStream.of(ids)
        .allMatch(
            id ->
                id < numPieces
                    && !specials.containsValue(id)
                    && model.pieces().get(id).kind() != Kind.UNKNOWN
                    && model.pieces().get(id).kind() != Kind.CONTROL);
  }

  private UserException differ(String what, String text, Object actual, Object expected) {
    return new UserException(
        "%s: in transformers the tokenizer would have %s for \"%s\": %s (expected: %s). Use --no-checking to write it all the same."
            .formatted(model.file(), what, shown(text), show(actual), show(expected)));
  }

  private static String show(Object value) {
    return shown(value instanceof int[] ids ? Arrays.toString(ids) : '"' + value.toString() + '"');
  }

  private static String shown(String text) {
    String line = text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t");
    return line.length() > MAX_SHOWN ? line.substring(0, MAX_SHOWN) + "…" : line;
  }
}
