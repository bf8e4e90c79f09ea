package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;

/** Checks of texts before native libraries see them. */
final class UnicodeText {
  private UnicodeText() {}

  /**
   * Rejects half of a surrogate pair, which libraries would replace with a question mark.
   *
   * @throws UserException if there is one
   */
  static void requireWholeCharacters(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (Character.charCount(text.codePointAt(i)) == 1) {
          throw new UserException(
              "character %d of the text is U+%04X, half of a surrogate pair (expected: Unicode text)."
                  .formatted(i, (int) c));
        }
        i++;
      }
    }
  }
}
