package io.tanuki4j.checkpoint.safetensors;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The JSON in front of the data.
 *
 * @param tensors in the order of their bytes, without holes or overlaps
 * @param metadata free text, for example {@code format: pt}
 */
record Header(List<TensorEntry> tensors, Map<String, String> metadata) {
  static final String METADATA = "__metadata__";

  /**
   * Readers reject longer headers, so that a foreign file does not make them allocate terabytes.
   */
  static final int MAX_BYTES = 100_000_000;

  private static final int ALIGNMENT = 8;

  /** Places tensors as the reference writer does: large types first, then by name. */
  static Header layout(List<NewTensor> tensors, Map<String, String> metadata) {
    List<NewTensor> sorted = new ArrayList<>(tensors);
    sorted.sort(
        Comparator.comparing(NewTensor::type)
            .reversed()
            .thenComparing(tensor -> utf8(tensor.name()), Arrays::compareUnsigned));
    List<TensorEntry> placed = new ArrayList<>();
    long position = 0;
    for (NewTensor tensor : sorted) {
      placed.add(new TensorEntry(tensor.name(), tensor.type(), tensor.shape(), position));
      position += tensor.type().numBytes(tensor.shape());
    }
    return new Header(List.copyOf(placed), metadata);
  }

  /** Returns the size of the data section in bytes. */
  long dataBytes() {
    return tensors.isEmpty() ? 0 : tensors.get(tensors.size() - 1).end();
  }

  /**
   * Returns UTF-8 JSON in the reference writer's form, padded with spaces to a multiple of 8 bytes.
   */
  byte[] toBytes() {
    StringWriter text = new StringWriter();
    try (JsonWriter out = new JsonWriter(text)) {
      out.beginObject();
      if (!metadata.isEmpty()) {
        out.name(METADATA).beginObject();
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          out.name(entry.getKey()).value(entry.getValue());
        }
        out.endObject();
      }
      for (TensorEntry tensor : tensors) {
        write(out, tensor);
      }
      out.endObject();
    } catch (IOException e) {
      throw new IllegalStateException("a StringWriter does not fail", e);
    }
    byte[] json = utf8(text.toString());
    byte[] padded = Arrays.copyOf(json, (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }

  private static void write(JsonWriter out, TensorEntry tensor) throws IOException {
    out.name(tensor.name()).beginObject();
    out.name("dtype").value(tensor.type().name());
    out.name("shape").beginArray();
    for (long dim : tensor.shape().toArray()) {
      out.value(dim);
    }
    out.endArray();
    out.name("data_offsets").beginArray().value(tensor.begin()).value(tensor.end()).endArray();
    out.endObject();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
