package io.tanuki4j.convert.huggingface;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The fields of a JSON object in a file, with their types; a null counts as absent. */
final class JsonFields {
  private static final long MAX_BYTES = 64 << 20;

  /** An upper bound for every size of a model. */
  private static final int LARGEST_SIZE = 1 << 27;

  private final Path file;
  private final JsonObject json;

  private JsonFields(Path file, JsonObject json) {
    this.file = file;
    this.json = json;
  }

  /**
   * Reads a file.
   *
   * @throws UserException if there is no such file or it is not a JSON object
   */
  static JsonFields read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new UserException(file + ": there is no such file. Check the path.");
    }
    if (Files.size(file) > MAX_BYTES) {
      throw new UserException(
          "%s: %d bytes (expected: at most %d). Check that it is the right file."
              .formatted(file, Files.size(file), MAX_BYTES));
    }
    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    try {
      return new JsonFields(file, JsonParser.parseString(text).getAsJsonObject());
    } catch (JsonParseException | IllegalStateException e) {
      throw new UserException(file + ": it is no JSON object: it is damaged or cut short.", e);
    }
  }

  /** Returns a field as it is written, for messages. */
  String raw(String name) {
    return String.valueOf(json.get(name));
  }

  /** Returns whether a field is a list of exactly these texts. */
  boolean isList(String name, List<String> texts) {
    JsonArray expected = new JsonArray();
    texts.forEach(expected::add);
    return expected.equals(json.get(name));
  }

  private @Nullable JsonElement find(String name) {
    JsonElement value = json.get(name);
    return value == null || value.isJsonNull() ? null : value;
  }

  boolean has(String name) {
    return find(name) != null;
  }

  /** Returns an object within this one; an empty one if absent. */
  JsonFields object(String name) {
    JsonElement value = find(name);
    if (value != null && !value.isJsonObject()) {
      throw wrong(name, value, "an object");
    }
    return new JsonFields(file, value == null ? new JsonObject() : value.getAsJsonObject());
  }

  List<String> names() {
    return List.copyOf(json.keySet());
  }

  String text(String name, String otherwise) {
    JsonElement value = find(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw wrong(name, value, "text");
  }

  boolean flag(String name, boolean otherwise) {
    JsonElement value = find(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof JsonPrimitive primitive && primitive.isBoolean()) {
      return primitive.getAsBoolean();
    }
    throw wrong(name, value, "true or false");
  }

  double number(String name, double otherwise) {
    JsonElement value = find(name);
    return value == null ? otherwise : number(name, value);
  }

  /** Returns a number, which must lie within a range. */
  double number(String name, double otherwise, NumberRange range) {
    double number = number(name, otherwise);
    if (!range.contains(number)) {
      throw wrong(name, raw(name), range.expected());
    }
    return number;
  }

  /** Rejects an object without a field. */
  void require(String name, String expected) {
    if (!has(name)) {
      throw wrong(name, "not there", expected);
    }
  }

  /** Returns whether a field is present and null. */
  boolean isNull(String name) {
    return json.has(name) && json.get(name).isJsonNull();
  }

  /** Returns a size, which must be present. */
  int size(String name) {
    JsonElement value = find(name);
    if (value == null) {
      throw new UserException(
          file + ": there is no " + name + " in it (expected: a whole number above 0).");
    }
    return size(name, value);
  }

  int size(String name, int otherwise) {
    JsonElement value = find(name);
    return value == null ? otherwise : size(name, value);
  }

  /** Returns the ids of one whole number, a list of them, or an absent field. */
  List<Integer> ids(String name) {
    JsonElement value = find(name);
    if (value == null) {
      return List.of();
    }
    List<Integer> ids = new ArrayList<>();
    if (value.isJsonArray()) {
      value.getAsJsonArray().forEach(element -> ids.add(whole(name, element)));
    } else {
      ids.add(whole(name, value));
    }
    return ids;
  }

  private int size(String name, JsonElement value) {
    int size = whole(name, value);
    if (size < 1 || size > LARGEST_SIZE) {
      throw wrong(name, value, "a whole number above 0, at most " + LARGEST_SIZE);
    }
    return size;
  }

  private int whole(String name, JsonElement value) {
    double number = number(name, value);
    if (number != (int) number) {
      throw wrong(name, value, "a whole number");
    }
    return (int) number;
  }

  private double number(String name, JsonElement value) {
    if (value instanceof JsonPrimitive primitive && primitive.isNumber()) {
      return primitive.getAsDouble();
    }
    throw wrong(name, value, "a number");
  }

  UserException wrong(String name, @Nullable Object value, String expected) {
    return new UserException("%s: %s is %s (expected: %s).".formatted(file, name, value, expected));
  }
}
