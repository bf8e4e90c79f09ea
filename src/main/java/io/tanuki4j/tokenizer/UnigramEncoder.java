package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.SentencePieceModel.Algorithm;
import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Encodes with a unigram model of SentencePiece (Kudo, 2018): of all ways to cut a text into
 * pieces, the one with the largest sum of scores, by Viterbi's algorithm. The ids are those of the
 * native library 0.2.0, also where sums are equal but for rounding: a sum is kept in fp32 and
 * compared in fp64. Immutable.
 */
final class UnigramEncoder {
  private static final float UNKNOWN_PENALTY = 10;
  private static final double USER_DEFINED_PENALTY = 0.1;
  private static final int NO_START = -1;
  private static final int NUM_BYTES = 256;
  private static final int MAX_PIECE_SIZE = 1000;
  private static final char REPLACEMENT = '\ufffd';

  private final SentencePieceModel model;
  private final @Nullable CharsMap rules;
  private final @Nullable PieceTrie userPieces;
  private final PieceTrie trie;
  private final double[] scores;
  private final float unknownScore;
  private final int unknownId;
  private final int @Nullable [] byteIds;

  private UnigramEncoder(SentencePieceModel model) {
    this.model = model;
    byte[] compiled = model.normalizer().charsMap();
    rules = compiled.length == 0 ? null : new CharsMap(compiled);
    List<Piece> pieces = model.pieces();
    trie = trie(pieces, Set.of(Kind.NORMAL, Kind.USER_DEFINED));
    boolean hasUserPieces = pieces.stream().anyMatch(piece -> piece.kind() == Kind.USER_DEFINED);
    userPieces = hasUserPieces ? trie(pieces, Set.of(Kind.USER_DEFINED)) : null;
    scores = scores(pieces);
    unknownScore = (float) normalScores(pieces).min().orElse(0) - UNKNOWN_PENALTY;
    unknownId = model.unknownId();
    byteIds = model.trainer().byteFallback() ? byteIds(pieces) : null;
  }

  /** Returns an encoder for a model; empty if the model is of another kind, or a rare one. */
  static Optional<UnigramEncoder> of(SentencePieceModel model) {
    boolean rare = model.pieces().stream().anyMatch(UnigramEncoder::isRare);
    boolean bytesComplete =
        !model.trainer().byteFallback()
            || model.pieces().stream().filter(piece -> piece.kind() == Kind.BYTE).distinct().count()
                == NUM_BYTES;
    boolean known = model.trainer().algorithm() == Algorithm.UNIGRAM && !rare && bytesComplete;
    return known ? Optional.of(new UnigramEncoder(model)) : Optional.empty();
  }

  /** Returns whether a piece is very long, is not quite UTF-8 or has no usable score. */
  private static boolean isRare(Piece piece) {
    return utf8(piece).length > MAX_PIECE_SIZE
        || piece.text().indexOf(REPLACEMENT) >= 0
        || !Float.isFinite(piece.score());
  }

  /** Returns the ids of a text. */
  int[] encode(String text) {
    PreparedText prepared =
        new PreparedText(model.normalizer(), rules, userPieces, model.trainer().blanksBehind());
    prepared.prepare(text.getBytes(StandardCharsets.UTF_8));
    return ids(prepared.bytes(), prepared.size());
  }

  /** Finds, for each place in the bytes, the best way to it; then walks back from the end. */
  private int[] ids(byte[] bytes, int size) {
    float[] best = new float[size + 1];
    int[] starts = new int[size + 1];
    int[] ids = new int[size + 1];
    Arrays.fill(starts, NO_START);
    int at = 0;
    while (at < size) {
      int end = Math.min(size, at + PreparedText.length(bytes[at]));
      boolean hasCharacter = false;
      int node = PieceTrie.ROOT;
      for (int i = at; i < size; ) {
        node = trie.child(node, bytes[i++]);
        if (node == PieceTrie.NONE) {
          break;
        }
        int id = trie.value(node);
        if (id != PieceTrie.NONE) {
          double candidate = scores[id] + best[at];
          if (starts[i] == NO_START || candidate > best[i]) {
            best[i] = (float) candidate;
            starts[i] = at;
            ids[i] = id;
          }
          hasCharacter |= i == end;
        }
      }
      if (!hasCharacter) {
        float candidate = unknownScore + best[at];
        if (starts[end] == NO_START || candidate > best[end]) {
          best[end] = candidate;
          starts[end] = at;
          ids[end] = unknownId;
        }
      }
      at = end;
    }
    return path(bytes, size, starts, ids);
  }

  /** Returns the ids of the best way. Unknown characters in a row are one, or become bytes. */
  private int[] path(byte[] bytes, int size, int[] starts, int[] ids) {
    int[] found = new int[size];
    int first = size;
    for (int end = size; end > 0; end = starts[end]) {
      int id = ids[end];
      if (id == unknownId && byteIds != null) {
        for (int i = end - 1; i >= starts[end]; i--) {
          found[--first] = byteIds[bytes[i] & (NUM_BYTES - 1)];
        }
      } else if (id != unknownId || first == size || found[first] != unknownId) {
        found[--first] = id;
      }
    }
    return Arrays.copyOfRange(found, first, size);
  }

  /** Returns the pieces of some kinds, with their ids. */
  private static PieceTrie trie(List<Piece> pieces, Set<Kind> kinds) {
    int[] ids =
        IntStream.range(0, pieces.size())
            .filter(id -> kinds.contains(pieces.get(id).kind()))
            .filter(id -> !pieces.get(id).text().isEmpty())
            .boxed()
            .sorted(Comparator.comparing(id -> utf8(pieces.get(id)), Arrays::compareUnsigned))
            .mapToInt(Integer::intValue)
            .toArray();
    byte[][] keys = IntStream.of(ids).mapToObj(id -> utf8(pieces.get(id))).toArray(byte[][]::new);
    return new PieceTrie(keys, ids);
  }

  /**
   * Returns the scores. Those of user-defined pieces follow from the largest, which the library
   * begins at the smallest normal number, and not below all: they nearly always win.
   */
  private static double[] scores(List<Piece> pieces) {
    float most = (float) Math.max(Float.MIN_NORMAL, normalScores(pieces).max().orElse(0));
    return pieces.stream()
        .mapToDouble(
            piece ->
                piece.kind() == Kind.USER_DEFINED
                    ? utf8(piece).length * most - USER_DEFINED_PENALTY
                    : piece.score())
        .toArray();
  }

  private static DoubleStream normalScores(List<Piece> pieces) {
    return pieces.stream().filter(piece -> piece.kind() == Kind.NORMAL).mapToDouble(Piece::score);
  }

  private static int[] byteIds(List<Piece> pieces) {
    int[] ids = new int[NUM_BYTES];
    for (int id = 0; id < pieces.size(); id++) {
      if (pieces.get(id).kind() == Kind.BYTE) {
        ids[Integer.decode(pieces.get(id).text().substring(1, 5))] = id;
      }
    }
    return ids;
  }

  private static byte[] utf8(Piece piece) {
    return piece.text().getBytes(StandardCharsets.UTF_8);
  }
}
