package io.tanuki4j.convert.huggingface;

import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.error.UserException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** The open safetensors files of a folder: one, or several with an index. */
final class WeightFiles implements Closeable {
  private static final Pattern PLAIN_NAME = Pattern.compile("[^/\\\\\\p{Cntrl}]+");
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  private final Path folder;
  private final Map<String, SafetensorsReader> files = new LinkedHashMap<>();
  private final Map<String, SafetensorsReader> tensors = new LinkedHashMap<>();

  private WeightFiles(Path folder) {
    this.folder = folder;
  }

  /**
   * Opens the files of a folder.
   *
   * @throws UserException if a file is missing or damaged, or the index does not match the files
   */
  static WeightFiles open(Path folder) throws IOException {
    WeightFiles opened = new WeightFiles(folder);
    try {
      if (Files.exists(folder.resolve(INDEX))) {
        opened.openShards();
      } else {
        opened.openSingle();
      }
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
    return opened;
  }

  /** Returns a copy of the names of all tensors. */
  Set<String> names() {
    return new LinkedHashSet<>(tensors.keySet());
  }

  /** Returns the file of a tensor. */
  SafetensorsReader reader(String name) {
    SafetensorsReader reader = tensors.get(name);
    if (reader == null) {
      throw new IllegalStateException("no tensor " + name);
    }
    return reader;
  }

  private void openSingle() throws IOException {
    if (!Files.exists(folder.resolve(SINGLE))) {
      boolean torch =
          Files.exists(folder.resolve("pytorch_model.bin"))
              || Files.exists(folder.resolve("pytorch_model.bin.index.json"));
      throw new UserException(
          folder
              + (torch
                  ? ": its weights are in pytorch_model.bin. Save them as safetensors first."
                  : ": there is neither " + SINGLE + " nor " + INDEX + " in it."));
    }
    SafetensorsReader reader = openFile(SINGLE);
    reader.tensors().forEach(tensor -> tensors.put(tensor.name(), reader));
  }

  private void openShards() throws IOException {
    JsonFields map = JsonFields.read(folder.resolve(INDEX)).object("weight_map");
    for (String name : map.names()) {
      String file = map.text(name, "");
      if (!PLAIN_NAME.matcher(file).matches()) {
        throw map.wrong(name, file, "the name of a file in the same folder");
      }
      SafetensorsReader reader = files.containsKey(file) ? files.get(file) : openFile(file);
      tensors.put(name, reader);
    }
    for (SafetensorsReader reader : files.values()) {
      for (TensorEntry tensor : reader.tensors()) {
        if (tensors.get(tensor.name()) != reader) {
          throw new UserException(
              "%s: it holds %s, which %s does not place there."
                  .formatted(reader.file(), tensor.name(), INDEX));
        }
      }
    }
  }

  private SafetensorsReader openFile(String name) throws IOException {
    SafetensorsReader reader = SafetensorsReader.open(folder.resolve(name));
    files.put(name, reader);
    return reader;
  }

  @Override
  public void close() throws IOException {
    for (SafetensorsReader reader : files.values()) {
      reader.close();
    }
  }
}
