package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import java.text.Normalizer;
import java.util.HashSet;
import java.util.Set;

/**
 * Finds where a long text can be cut for a SentencePiece model: between characters that no piece
 * contains together. The pieces on one side then do not depend on the other side. The library needs
 * about 200 bytes per character, so texts of megabytes are encoded in parts.
 */
final class TextCuts {
  private static final int BLANK = '\u2581';
  private static final int BITS = 32;
  private static final String STOPS = "\u3001\u3002";

  private final boolean addsBlank;
  private final Set<Integer> knownCharacters = new HashSet<>();
  private final Set<Long> joinedPairs = new HashSet<>();

  TextCuts(SentencePieceModel model) {
    addsBlank = model.normalizer().addsBlank();
    for (Piece piece : model.pieces()) {
      if (piece.kind() == Kind.NORMAL || piece.kind() == Kind.USER_DEFINED) {
        add(piece.text().codePoints().toArray());
      }
    }
  }

  private void add(int[] piece) {
    if (piece.length == 1) {
      knownCharacters.add(piece[0]);
    }
    for (int i = 1; i < piece.length; i++) {
      joinedPairs.add(pair(piece[i - 1], piece[i]));
    }
  }

  /** Returns the first place at or after {@code from} where the text can be cut, or its length. */
  int next(String text, int from) {
    for (int at = Math.max(1, from); at < text.length() - 1; at++) {
      if (isBeforeWord(text, at) || isBetweenCharacters(text, at)) {
        return at;
      }
    }
    return text.length();
  }

  /**
   * Returns whether the text can be cut before a single space, which the library then adds again.
   */
  private boolean isBeforeWord(String text, int at) {
    int before = text.codePointBefore(at);
    int after = text.codePointAt(at + 1);
    return addsBlank
        && text.charAt(at) == ' '
        && Character.isLetterOrDigit(before)
        && Character.isLetterOrDigit(after)
        && knownCharacters.contains(BLANK)
        && isApart(before, BLANK);
  }

  private boolean isBetweenCharacters(String text, int at) {
    int before = text.codePointBefore(at);
    int after = text.codePointAt(at);
    return isApart(before, after)
        && knownCharacters.contains(before)
        && knownCharacters.contains(after)
        && (Character.isLetterOrDigit(before) || STOPS.indexOf(before) >= 0)
        && Character.isLetterOrDigit(after)
        && (!addsBlank || (knownCharacters.contains(BLANK) && isApart(BLANK, after)))
        && isNormalised(before, after);
  }

  private boolean isApart(int before, int after) {
    return !joinedPairs.contains(pair(before, after));
  }

  private static boolean isNormalised(int before, int after) {
    String both = Character.toString(before) + Character.toString(after);
    return Normalizer.isNormalized(both, Normalizer.Form.NFKC);
  }

  private static long pair(int before, int after) {
    return (long) before << BITS | after;
  }
}
