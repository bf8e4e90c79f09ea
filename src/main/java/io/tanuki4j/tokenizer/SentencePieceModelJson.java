package io.tanuki4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.tokenizer.SentencePieceModel.Algorithm;
import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The pieces of a model, as Hugging Face's tokenizers library wants them: with scores for a unigram
 * model, otherwise with merges.
 *
 * @param takesWholePieces whether a part of a text that is itself a piece stays whole, which user
 *     pieces need
 */
record SentencePieceModelJson(SentencePieceModel model, boolean takesWholePieces) {
  /** Lower than the score of any piece, so that an unused piece is never chosen. */
  private static final double UNUSED_SCORE = -1000;

  /** What SentencePiece subtracts from the best score of all for a user piece. */
  private static final double USER_PIECE_COST = 0.1;

  /** Returns the model of the file. */
  Map<String, @Nullable Object> toJson() {
    return model.trainer().algorithm() == Algorithm.UNIGRAM ? unigram() : merges();
  }

  private Map<String, @Nullable Object> unigram() {
    Map<String, @Nullable Object> json = JsonSteps.step("Unigram");
    json.put("unk_id", model.unknownId());
    json.put("byte_fallback", model.trainer().byteFallback());
    double best = bestScore();
    json.put(
        "vocab",
        model.pieces().stream().map(piece -> List.of(piece.text(), score(piece, best))).toList());
    return json;
  }

  private double bestScore() {
    return model.pieces().stream()
        .filter(piece -> piece.kind() == Kind.NORMAL)
        .mapToDouble(Piece::score)
        .reduce(Float.MIN_NORMAL, Math::max);
  }

  private static double score(Piece piece, double best) {
    return switch (piece.kind()) {
      case UNUSED -> UNUSED_SCORE;
      case USER_DEFINED -> piece.text().getBytes(UTF_8).length * best - USER_PIECE_COST;
      case NORMAL, UNKNOWN, CONTROL, BYTE -> piece.score();
    };
  }

  private Map<String, @Nullable Object> merges() {
    Map<String, @Nullable Object> json = JsonSteps.step("BPE");
    json.put("dropout", null);
    json.put("unk_token", model.pieces().get(model.unknownId()).text());
    json.put("continuing_subword_prefix", null);
    json.put("end_of_word_suffix", null);
    json.put("fuse_unk", true);
    json.put("byte_fallback", model.trainer().byteFallback());
    json.put("ignore_merges", takesWholePieces);
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    model.pieces().forEach(piece -> vocabulary.put(piece.text(), vocabulary.size()));
    json.put("vocab", vocabulary);
    json.put("merges", model.trainer().algorithm() == Algorithm.BPE ? mergesOfPieces() : List.of());
    return json;
  }

  /** A pair that SentencePiece joins into a piece. */
  private record Merge(float score, int first, int second) {}

  /** Returns every pair that forms a piece, in the order in which SentencePiece joins them. */
  private List<List<String>> mergesOfPieces() {
    List<Piece> pieces = model.pieces();
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      if (pieces.get(id).kind() == Kind.NORMAL) {
        ids.put(pieces.get(id).text(), id);
      }
    }
    List<Merge> merges = new ArrayList<>();
    ids.forEach((piece, id) -> addMerges(merges, piece, pieces.get(id).score(), ids));
    merges.sort(
        Comparator.comparing((Merge merge) -> -merge.score)
            .thenComparing(Merge::first)
            .thenComparing(Merge::second));
    return merges.stream()
        .map(merge -> List.of(pieces.get(merge.first).text(), pieces.get(merge.second).text()))
        .toList();
  }

  private static void addMerges(
      List<Merge> merges, String piece, float score, Map<String, Integer> ids) {
    for (int cut = 1; cut < piece.length(); cut++) {
      Integer first = ids.get(piece.substring(0, cut));
      Integer second = ids.get(piece.substring(cut));
      if (first != null && second != null) {
        merges.add(new Merge(score, first, second));
      }
    }
  }
}
