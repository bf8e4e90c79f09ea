package io.tanuki4j.checkpoint.safetensors;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a header and checks everything that the JSON alone reveals. Every failure is a {@link
 * UserException} with the reason; {@link SafetensorsReader} adds the file's name.
 */
final class HeaderParser {
  private final List<TensorEntry> tensors = new ArrayList<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private HeaderParser() {}

  static HeaderParser parse(String json) {
    HeaderParser parser = new HeaderParser();
    try (JsonReader in = new JsonReader(new StringReader(json))) {
      in.setStrictness(Strictness.STRICT);
      parser.read(in);
    } catch (IOException | IllegalStateException | NumberFormatException e) {
      throw new UserException("its header is no JSON of the expected form", e);
    }
    parser.checkOrder();
    return parser;
  }

  private void read(JsonReader in) throws IOException {
    Set<String> names = new HashSet<>();
    in.beginObject();
    while (in.hasNext()) {
      String name = in.nextName();
      require(names.add(name), "its header names %s twice", name);
      if (name.equals(SafetensorsWriter.METADATA)) {
        readMetadata(in);
      } else {
        tensors.add(readTensor(in, name));
      }
    }
    in.endObject();
    require(in.peek() == JsonToken.END_DOCUMENT, "its header continues after the JSON object");
  }

  private void readMetadata(JsonReader in) throws IOException {
    in.beginObject();
    while (in.hasNext()) {
      String key = in.nextName();
      require(in.peek() == JsonToken.STRING, "its metadata %s is no text", key);
      require(metadata.put(key, in.nextString()) == null, "its metadata names %s twice", key);
    }
    in.endObject();
  }

  private static TensorEntry readTensor(JsonReader in, String name) throws IOException {
    String type = "(none)";
    long[] shape = {-1};
    long[] offsets = {};
    in.beginObject();
    while (in.hasNext()) {
      switch (in.nextName()) {
        case "dtype" -> type = in.nextString();
        case "shape" -> shape = readNumbers(in, name);
        case "data_offsets" -> offsets = readNumbers(in, name);
        default -> in.skipValue();
      }
    }
    in.endObject();
    require(shape.length == 0 || shape[0] >= 0, "tensor %s has no shape", name);
    require(offsets.length == 2, "tensor %s has no pair of data_offsets", name);
    return entry(name, type, Shape.of(shape), offsets);
  }

  private static long[] readNumbers(JsonReader in, String name) throws IOException {
    List<Long> numbers = new ArrayList<>();
    in.beginArray();
    while (in.hasNext()) {
      require(in.peek() == JsonToken.NUMBER, "tensor %s has a size that is no number", name);
      long number = in.nextLong();
      require(number >= 0, "tensor %s has the negative size %d", name, number);
      numbers.add(number);
    }
    in.endArray();
    return numbers.stream().mapToLong(Long::longValue).toArray();
  }

  private static TensorEntry entry(String name, String typeName, Shape shape, long[] offsets) {
    ElementType type = ElementType.named(typeName);
    if (type == null) {
      throw new UserException(
          "tensor %s has the dtype %s, which the format does not know".formatted(name, typeName));
    }
    long bytes;
    try {
      bytes = type.numBytes(shape);
    } catch (ArithmeticException e) {
      throw new UserException(
          "tensor %s has an impossible size: %s %s".formatted(name, type, shape), e);
    }
    require(
        offsets[1] - offsets[0] == bytes,
        "tensor %s (%s %s) has %d bytes (expected: %d)",
        name,
        type,
        shape,
        offsets[1] - offsets[0],
        bytes);
    return new TensorEntry(name, type, shape, offsets[0]);
  }

  /** Sorts tensors by position and rejects holes and overlaps. */
  private void checkOrder() {
    tensors.sort(Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
    long position = 0;
    for (TensorEntry tensor : tensors) {
      require(
          tensor.begin() == position,
          "tensor %s begins at byte %d (expected: %d, the end of the one before)",
          tensor.name(),
          tensor.begin(),
          position);
      position = tensor.end();
    }
  }

  /** Returns the tensors in the order of their bytes, without holes or overlaps. */
  List<TensorEntry> tensors() {
    return List.copyOf(tensors);
  }

  /** Returns free text, for example {@code format: pt}. */
  Map<String, String> metadata() {
    return metadata;
  }

  private static void require(boolean condition, String reason, Object... arguments) {
    if (!condition) {
      throw new UserException(reason.formatted(arguments));
    }
  }
}
