package io.tanuki4j.data.preprocess;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;

/**
 * Walks through the bytes of one JSON text, which must be UTF-8. Accepts what Python's {@code
 * json.loads} accepts: NaN, Infinity and -Infinity are numbers, and nesting has no limit.
 */
final class JsonCursor {
  private static final int END = -1;
  private static final int HEX_DIGITS = 4;
  private static final int HEX = 16;
  private static final int RUN_SIZE = 1 << 16;
  private static final String ESCAPES = "\"\\/bfnrt";
  private static final String ESCAPED = "\"\\/\b\f\n\r\t";

  private final byte[] bytes;
  private final int from;
  private final int to;
  private int at;

  /** The kind of a value, with its name in messages. */
  enum Kind {
    OBJECT("an object"),
    LIST("a list"),
    STRING("a string"),
    NUMBER("a number"),
    BOOLEAN("a boolean"),
    NULL("null");

    final String label;

    Kind(String label) {
      this.label = label;
    }
  }

  /** A place at which the text is not JSON. */
  static final class SyntaxException extends Exception {
    private static final long serialVersionUID = 1;

    private SyntaxException(int character) {
      super("not valid JSON near character %d".formatted(character));
    }
  }

  /** Starts at {@code bytes[from]}. */
  JsonCursor(byte[] bytes, int from, int to) {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
    this.at = from;
  }

  /** Returns the kind of the next value. */
  Kind kind() throws SyntaxException {
    return switch (peek()) {
      case '{' -> Kind.OBJECT;
      case '[' -> Kind.LIST;
      case '"' -> Kind.STRING;
      case 't', 'f' -> Kind.BOOLEAN;
      case 'n' -> Kind.NULL;
      case '-', 'N', 'I', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> Kind.NUMBER;
      default -> throw wrong();
    };
  }

  /** Enters an object or a list. Returns false if it is empty, and then leaves it again. */
  boolean enter() {
    int close = peek() == '{' ? '}' : ']';
    at++;
    return !takes(close);
  }

  /**
   * Moves to the next element of an object or a list. Returns false, and leaves it, after the last.
   */
  boolean next(Kind container) throws SyntaxException {
    if (takes(',')) {
      return true;
    }
    require(container == Kind.OBJECT ? '}' : ']');
    return false;
  }

  /** Reads the name of an object's element and the colon after it. */
  String name() throws SyntaxException {
    String name = string();
    require(':');
    return name;
  }

  /** Reads a string. */
  String string() throws SyntaxException {
    int start = stringStart();
    boolean hasEscapes = skipCharacters();
    int end = at - 1;
    return hasEscapes || end - start > RUN_SIZE
        ? decoded(start, end)
        : new String(bytes, start, end - start, StandardCharsets.UTF_8);
  }

  /** Skips a value and everything in it. */
  void skipValue() throws SyntaxException {
    BitSet objects = new BitSet();
    int depth = 0;
    do {
      Kind kind = kind();
      if (kind != Kind.OBJECT && kind != Kind.LIST) {
        skipScalar(kind);
      } else if (enter()) {
        objects.set(depth++, kind == Kind.OBJECT);
        skipNameOf(kind);
        continue;
      }
      while (depth > 0 && !skipToNext(objects.get(depth - 1) ? Kind.OBJECT : Kind.LIST)) {
        depth--;
      }
    } while (depth > 0);
  }

  /** Checks that only whitespace is left. */
  void requireEnd() throws SyntaxException {
    if (peek() != END) {
      throw wrong();
    }
  }

  private boolean skipToNext(Kind container) throws SyntaxException {
    boolean more = next(container);
    if (more) {
      skipNameOf(container);
    }
    return more;
  }

  private void skipNameOf(Kind container) throws SyntaxException {
    if (container == Kind.OBJECT) {
      stringStart();
      skipCharacters();
      require(':');
    }
  }

  private void skipScalar(Kind kind) throws SyntaxException {
    switch (kind) {
      case STRING -> {
        stringStart();
        skipCharacters();
      }
      case BOOLEAN -> skipWord(peek() == 't' ? "true" : "false");
      case NULL -> skipWord("null");
      default -> skipNumber();
    }
  }

  private void skipNumber() throws SyntaxException {
    boolean negative = bytes[at] == '-';
    at += negative ? 1 : 0;
    if (current() == 'I' || (current() == 'N' && !negative)) {
      skipWord(current() == 'I' ? "Infinity" : "NaN");
      return;
    }
    if (current() == '0') {
      at++;
    } else {
      skipDigits();
    }
    if (current() == '.') {
      at++;
      skipDigits();
    }
    if (current() == 'e' || current() == 'E') {
      at++;
      at += current() == '+' || current() == '-' ? 1 : 0;
      skipDigits();
    }
  }

  private void skipDigits() throws SyntaxException {
    if (current() < '0' || current() > '9') {
      throw wrong();
    }
    while (current() >= '0' && current() <= '9') {
      at++;
    }
  }

  private void skipWord(String word) throws SyntaxException {
    for (int i = 0; i < word.length(); i++, at++) {
      if (current() != word.charAt(i)) {
        throw wrong();
      }
    }
  }

  /** Enters a string and returns where its characters begin. */
  private int stringStart() throws SyntaxException {
    require('"');
    return at;
  }

  /** Skips a string's characters and its closing quote. Returns whether any is escaped. */
  private boolean skipCharacters() throws SyntaxException {
    boolean hasEscapes = false;
    while (current() != '"') {
      if (current() == '\\') {
        hasEscapes = true;
        at++;
        skipEscape();
      } else if ((current() >= 0 && current() < ' ') || at == to) {
        throw wrong();
      } else {
        at++;
      }
    }
    at++;
    return hasEscapes;
  }

  private void skipEscape() throws SyntaxException {
    int digits = current() == 'u' ? HEX_DIGITS : 0;
    if (digits == 0 && ESCAPES.indexOf(current()) < 0) {
      throw wrong();
    }
    at++;
    for (int i = 0; i < digits; i++, at++) {
      if (current() > 'f' || Character.digit(current(), HEX) < 0) {
        throw wrong();
      }
    }
  }

  /**
   * Decodes a string in runs. At once, the library would take three times the memory of the result,
   * and for a long string that counts.
   */
  private String decoded(int start, int end) {
    StringBuilder text = new StringBuilder(numChars(start, end));
    int i = start;
    while (i < end) {
      if (bytes[i] == '\\') {
        boolean isCode = bytes[i + 1] == 'u';
        text.append(isCode ? unicode(i + 2) : ESCAPED.charAt(ESCAPES.indexOf(bytes[i + 1])));
        i += escapeSize(i);
      } else {
        int runEnd = runEnd(i, end);
        text.append(new String(bytes, i, runEnd - i, StandardCharsets.UTF_8));
        i = runEnd;
      }
    }
    return text.toString();
  }

  /** Returns how many chars a string will have. */
  private int numChars(int start, int end) {
    int count = 0;
    for (int i = start; i < end; i += bytes[i] == '\\' ? escapeSize(i) : 1) {
      boolean isPair = (bytes[i] & 0xf8) == 0xf0;
      count += isPair ? 2 : isContinuation(i) ? 0 : 1;
    }
    return count;
  }

  private int escapeSize(int backslash) {
    return bytes[backslash + 1] == 'u' ? 2 + HEX_DIGITS : 2;
  }

  /** Returns where plain characters end: at an escape, or after about a run's size. */
  private int runEnd(int start, int end) {
    int limit = Math.min(end, start + RUN_SIZE);
    int i = start;
    while (i < limit && bytes[i] != '\\') {
      i++;
    }
    while (i < end && isContinuation(i)) {
      i++;
    }
    return i;
  }

  private boolean isContinuation(int i) {
    return (bytes[i] & 0xc0) == 0x80;
  }

  private char unicode(int digits) {
    int code = 0;
    for (int i = digits; i < digits + HEX_DIGITS; i++) {
      code = code * HEX + Character.digit(bytes[i], HEX);
    }
    return (char) code;
  }

  private boolean takes(int wanted) {
    boolean found = peek() == wanted;
    at += found ? 1 : 0;
    return found;
  }

  private void require(int wanted) throws SyntaxException {
    if (!takes(wanted)) {
      throw wrong();
    }
  }

  /** Skips whitespace and returns the next byte. */
  private int peek() {
    while (at < to && " \t\r\n".indexOf(bytes[at]) >= 0) {
      at++;
    }
    return current();
  }

  /** Returns the next byte; negative beyond ASCII and at the end. */
  private int current() {
    return at < to ? bytes[at] : END;
  }

  /** Returns a failure at this place. Characters are counted from 1, as Python counts columns. */
  private SyntaxException wrong() {
    int character = 1;
    for (int i = from; i < Math.min(at, to); i++) {
      character += (bytes[i] & 0xc0) == 0x80 ? 0 : 1;
    }
    return new SyntaxException(character);
  }
}
