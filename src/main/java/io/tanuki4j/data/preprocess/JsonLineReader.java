package io.tanuki4j.data.preprocess;

import io.tanuki4j.data.preprocess.JsonCursor.Kind;
import io.tanuki4j.data.preprocess.JsonCursor.SyntaxException;
import io.tanuki4j.error.UserException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Extracts the texts of some keys from JSON objects. Not thread-safe; reuses its buffer. */
final class JsonLineReader {
  private static final int BUFFER_SIZE = 1 << 13;

  private final List<String> keys;
  private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
  private final CharBuffer decoded = CharBuffer.allocate(BUFFER_SIZE);

  JsonLineReader(List<String> keys) {
    this.keys = keys;
  }

  /**
   * Returns the texts of each key, in the order of the keys: one text, or the elements of a list.
   *
   * @throws UserException if {@code bytes[from .. to)} is not such an object; the message is the
   *     reason and what to do
   */
  List<List<String>> read(byte[] bytes, int from, int to) {
    requireUtf8(bytes, from, to);
    JsonCursor json = new JsonCursor(bytes, from, to);
    try {
      requireKind(json.kind(), Kind.OBJECT, "the line", Kind.OBJECT.label);
      return object(json);
    } catch (SyntaxException e) {
      throw new UserException("%s. Fix or remove the line.".formatted(e.getMessage()), e);
    }
  }

  private void requireUtf8(byte[] bytes, int from, int to) {
    ByteBuffer in = ByteBuffer.wrap(bytes, from, to - from);
    decoder.reset();
    CoderResult result = CoderResult.OVERFLOW;
    while (result.isOverflow()) {
      result = decoder.decode(in, decoded.clear(), true);
    }
    if (result.isError()) {
      throw new UserException(
          "byte %d of the line is not UTF-8. Convert the file to UTF-8."
              .formatted(in.position() - from + 1));
    }
  }

  private List<List<String>> object(JsonCursor json) throws SyntaxException {
    List<@Nullable List<String>> found = new ArrayList<>(Collections.nCopies(keys.size(), null));
    TreeSet<String> others = new TreeSet<>();
    boolean more = json.enter();
    while (more) {
      String name = json.name();
      int key = keys.indexOf(name);
      if (key < 0) {
        others.add(name);
        json.skipValue();
      } else {
        found.set(key, texts(json, name));
      }
      more = json.next(Kind.OBJECT);
    }
    json.requireEnd();
    return complete(found, others);
  }

  private static List<String> texts(JsonCursor json, String key) throws SyntaxException {
    if (json.kind() != Kind.LIST) {
      return List.of(text(json, "key \"" + key + "\""));
    }
    List<String> texts = new ArrayList<>();
    boolean more = json.enter();
    while (more) {
      texts.add(text(json, "the list of key \"" + key + "\""));
      more = json.next(Kind.LIST);
    }
    return texts;
  }

  private static String text(JsonCursor json, String where) throws SyntaxException {
    requireKind(json.kind(), Kind.STRING, where, "a string or a list of strings");
    return json.string();
  }

  private List<List<String>> complete(
      List<@Nullable List<String>> found, TreeSet<String> otherNames) {
    List<List<String>> texts = new ArrayList<>(found.size());
    for (int key = 0; key < found.size(); key++) {
      List<String> list = found.get(key);
      if (list == null) {
        throw new UserException(
            "no key \"%s\" (the line has: %s). Name the key of the text with --json-keys, or fix the"
                    .formatted(keys.get(key), names(otherNames))
                + " line.");
      }
      texts.add(list);
    }
    return texts;
  }

  private static String names(TreeSet<String> names) {
    return names.isEmpty() ? "no other key" : String.join(", ", names);
  }

  private static void requireKind(Kind actual, Kind expected, String where, String expectation) {
    if (actual != expected) {
      throw new UserException(
          "%s: %s (expected: %s). Fix or remove the line."
              .formatted(where, actual.label, expectation));
    }
  }
}
