package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import java.text.Normalizer;
import java.util.HashSet;
import java.util.Set;

/**
 * Where a long text can be cut for a SentencePiece model: between characters that are together in
 * none of its pieces, so that the pieces on one side do not depend on the other. The library needs
 * some 200 bytes for each character of a text, so texts of megabytes go through it in parts.
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

  /** Whether the text can be cut before a single blank; the library then puts it there again. */
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
