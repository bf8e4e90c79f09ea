package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.SentencePieceModel.Normalizer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Prepares a text as a SentencePiece model wants it, byte by byte as the library does: rules are
 * applied, spaces are removed, added and marked. One object prepares one text.
 */
final class PreparedText {
  /** {@code ▁} in UTF-8. */
  private static final byte[] BLANK = {(byte) 0xe2, (byte) 0x96, (byte) 0x81};

  private final Normalizer settings;
  private final @Nullable CharsMap rules;
  private final @Nullable PieceTrie userPieces;
  private final boolean blanksBehind;
  private final int[] textStart = new int[1];
  private byte[] bytes = {};
  private int size;
  private byte[] span = {};
  private int spanStart;
  private int spanEnd;
  private int spanSize;

  /**
   * @param rules null for none
   * @param userPieces stay as they are; null for none
   * @param blanksBehind whether a space follows its word
   */
  PreparedText(
      Normalizer settings,
      @Nullable CharsMap rules,
      @Nullable PieceTrie userPieces,
      boolean blanksBehind) {
    this.settings = settings;
    this.rules = rules;
    this.blanksBehind = blanksBehind;
    this.userPieces = userPieces;
  }

  /** Prepares a text in UTF-8. */
  void prepare(byte[] input) {
    bytes = new byte[input.length + input.length / 4 + 2 * BLANK.length];
    size = 0;
    int from = settings.removesBlanks() ? firstWord(input) : 0;
    if (from == input.length) {
      return;
    }
    if (settings.addsBlank() && !blanksBehind) {
      addBlank();
    }
    addAll(input, from);
    if (settings.removesBlanks()) {
      removeBlanksBehind();
    }
    if (settings.addsBlank() && blanksBehind) {
      addBlank();
    }
  }

  /** Returns the prepared bytes, and some behind them. */
  byte[] bytes() {
    return bytes;
  }

  /** Returns the number of prepared bytes. */
  int size() {
    return size;
  }

  /** Returns the first place whose character is not replaced by a single space. */
  private int firstWord(byte[] input) {
    int at = 0;
    while (at < input.length && isSpace(input, at)) {
      at += spanSize;
    }
    return at;
  }

  private boolean isSpace(byte[] input, int at) {
    findSpan(input, at);
    return spanEnd - spanStart == 1 && span[spanStart] == ' ';
  }

  private void addAll(byte[] input, int start) {
    boolean skipsSpaces = settings.removesBlanks();
    int at = start;
    while (at < input.length) {
      findSpan(input, at);
      int from = spanStart;
      while (skipsSpaces && from < spanEnd && span[from] == ' ') {
        from++;
      }
      for (int i = from; i < spanEnd; i++) {
        add(span[i]);
      }
      if (from < spanEnd) {
        skipsSpaces = settings.removesBlanks() && span[spanEnd - 1] == ' ';
      }
      at += spanSize;
    }
  }

  /**
   * Finds what replaces the bytes at a place: a user-defined piece stays, the longest rule holds,
   * or a character stays.
   */
  private void findSpan(byte[] input, int at) {
    int kept = kept(input, at);
    int ruled = kept > 0 || rules == null ? 0 : rules.longest(input, at, input.length, textStart);
    if (rules != null && ruled > 0) {
      span = rules.texts();
      spanStart = textStart[0];
      spanEnd = rules.end(textStart[0]);
      spanSize = ruled;
    } else {
      span = input;
      spanStart = at;
      spanSize = kept > 0 ? kept : Math.min(input.length - at, length(input[at]));
      spanEnd = at + spanSize;
    }
  }

  /** Returns the size of the longest user-defined piece at a place; 0 if there is none. */
  private int kept(byte[] input, int at) {
    int longest = 0;
    if (userPieces != null) {
      int node = userPieces.child(PieceTrie.ROOT, input[at]);
      for (int i = at + 1; node != PieceTrie.NONE; i++) {
        longest = userPieces.value(node) == PieceTrie.NONE ? longest : i - at;
        node = i < input.length ? userPieces.child(node, input[i]) : PieceTrie.NONE;
      }
    }
    return longest;
  }

  private void add(byte value) {
    if (value == ' ' && settings.marksBlanks()) {
      addBlank();
    } else {
      reserve(1);
      bytes[size++] = value;
    }
  }

  private void addBlank() {
    reserve(BLANK.length);
    if (settings.marksBlanks()) {
      System.arraycopy(BLANK, 0, bytes, size, BLANK.length);
      size += BLANK.length;
    } else {
      bytes[size++] = ' ';
    }
  }

  private void removeBlanksBehind() {
    byte[] blank = settings.marksBlanks() ? BLANK : new byte[] {' '};
    while (size >= blank.length
        && Arrays.equals(bytes, size - blank.length, size, blank, 0, blank.length)) {
      size -= blank.length;
    }
  }

  private void reserve(int more) {
    if (bytes.length < size + more) {
      bytes = Arrays.copyOf(bytes, size + more + (size >> 1));
    }
  }

  /** Returns the number of bytes of the character that begins with a byte. */
  static int length(byte first) {
    int bits = first & 0xff;
    return bits < 0x80 ? 1 : bits < 0xe0 ? 2 : bits < 0xf0 ? 3 : 4;
  }
}
