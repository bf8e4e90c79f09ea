package io.tanuki4j.data.preprocess;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.CharArrayReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Takes the texts of some keys out of JSON objects. Not thread-safe; reuses its buffer. */
final class JsonLineReader {
  private static final Pattern COLUMN = Pattern.compile("column (\\d+)");

  private final List<String> keys;
  private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
  private CharBuffer chars = CharBuffer.allocate(0);

  JsonLineReader(List<String> keys) {
    this.keys = keys;
  }

  /**
   * The texts of each key, in the order of the keys: one, or the elements of a list.
   *
   * @throws IllegalArgumentException if {@code bytes[from .. to)} is not such an object; the
   *     message is the reason and what to do
   */
  List<List<String>> read(byte[] bytes, int from, int to) {
    decode(bytes, from, to);
    CharArrayReader source = new CharArrayReader(chars.array(), 0, chars.limit());
    try (JsonReader json = new JsonReader(source)) {
      json.setStrictness(Strictness.STRICT);
      requireType(json.peek(), JsonToken.BEGIN_OBJECT, "the line");
      return object(json);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "not valid JSON%s. Mend or remove the line.".formatted(place(e)), e);
    }
  }

  private void decode(byte[] bytes, int from, int to) {
    if (chars.capacity() < to - from) {
      chars = CharBuffer.allocate(to - from);
    }
    ByteBuffer in = ByteBuffer.wrap(bytes, from, to - from);
    CoderResult result = decoder.reset().decode(in, chars.clear(), true);
    if (result.isError()) {
      throw new IllegalArgumentException(
          "byte %d of the line is not UTF-8. Convert the file to UTF-8."
              .formatted(in.position() - from + 1));
    }
    chars.flip();
  }

  private List<List<String>> object(JsonReader json) throws IOException {
    List<@Nullable List<String>> found = new ArrayList<>(Collections.nCopies(keys.size(), null));
    List<String> others = new ArrayList<>();
    json.beginObject();
    while (json.hasNext()) {
      String name = json.nextName();
      int key = keys.indexOf(name);
      if (key < 0) {
        others.add(name);
        json.skipValue();
      } else {
        found.set(key, texts(json, name));
      }
    }
    json.endObject();
    requireType(json.peek(), JsonToken.END_DOCUMENT, "after the object");
    return complete(found, others);
  }

  private static List<String> texts(JsonReader json, String key) throws IOException {
    if (json.peek() != JsonToken.BEGIN_ARRAY) {
      requireType(json.peek(), JsonToken.STRING, "key \"" + key + "\"");
      return List.of(json.nextString());
    }
    List<String> texts = new ArrayList<>();
    json.beginArray();
    while (json.hasNext()) {
      requireType(json.peek(), JsonToken.STRING, "the list of key \"" + key + "\"");
      texts.add(json.nextString());
    }
    json.endArray();
    return texts;
  }

  private List<List<String>> complete(List<@Nullable List<String>> found, List<String> others) {
    List<List<String>> texts = new ArrayList<>(found.size());
    for (int key = 0; key < found.size(); key++) {
      List<String> list = found.get(key);
      if (list == null) {
        throw new IllegalArgumentException(
            "no key \"%s\" (the line has: %s). Name the key of the text with --json-keys, or mend the"
                    .formatted(keys.get(key), names(others))
                + " line.");
      }
      texts.add(list);
    }
    return texts;
  }

  private String names(List<String> others) {
    TreeSet<String> names = new TreeSet<>(others);
    return names.isEmpty() ? "no other key" : String.join(", ", names);
  }

  private static void requireType(JsonToken actual, JsonToken expected, String where) {
    if (actual != expected) {
      throw new IllegalArgumentException(
          "%s: %s (expected: %s). Mend or remove the line."
              .formatted(where, name(actual), name(expected)));
    }
  }

  private static String name(JsonToken token) {
    return switch (token) {
      case BEGIN_OBJECT -> "an object";
      case BEGIN_ARRAY -> "a list";
      case STRING -> "a string or a list of strings";
      case END_DOCUMENT -> "the end of the line";
      default -> token.name().toLowerCase(Locale.ROOT);
    };
  }

  private static String place(IOException e) {
    Matcher column = COLUMN.matcher(String.valueOf(e.getMessage()));
    return column.find() ? " near character " + column.group(1) : "";
  }
}
