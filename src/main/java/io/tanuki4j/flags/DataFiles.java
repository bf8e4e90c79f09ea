package io.tanuki4j.flags;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.tanuki4j.config.Problems;
import io.tanuki4j.error.FailureSentence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The files that {@code --data-args-path} and {@code --per-split-data-args-path} name. */
final class DataFiles {
  private DataFiles() {}

  /** Reads the words of a file, separated by spaces and line ends; null if it cannot be read. */
  static @Nullable List<String> words(String flag, Path file, Problems problems) {
    String text = read(flag, file, problems);
    return text == null ? null : List.of(text.strip().split("\\s+"));
  }

  /** Reads a JSON object with lists under train, valid and test; null if it cannot be read. */
  static @Nullable Map<String, List<String>> perSplit(String flag, Path file, Problems problems) {
    String text = read(flag, file, problems);
    if (text == null) {
      return null;
    }
    try {
      return lists(JsonParser.parseString(text).getAsJsonObject());
    } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
      problems.add(
          flag,
          file,
          "a JSON object with lists of prefixes under train, valid and test",
          "Write it like {\"train\": [\"1.0\", \"prefix\"]}.");
      return null;
    }
  }

  private static Map<String, List<String>> lists(JsonObject json) {
    Map<String, List<String>> lists = new TreeMap<>();
    json.entrySet()
        .forEach(
            entry -> {
              List<String> words = new ArrayList<>();
              for (JsonElement element : entry.getValue().getAsJsonArray()) {
                words.add(element.getAsString());
              }
              lists.put(entry.getKey(), words);
            });
    if (!List.of("test", "train", "valid").containsAll(lists.keySet())) {
      throw new IllegalStateException("unknown split in " + lists.keySet());
    }
    return lists;
  }

  private static @Nullable String read(String flag, Path file, Problems problems) {
    if (!Files.isRegularFile(file)) {
      problems.add(flag, file, "a file that exists", "Check the path.");
      return null;
    }
    try {
      return Files.readString(file);
    } catch (IOException e) {
      problems.add(
          flag,
          file,
          "a text file in UTF-8 that can be read",
          "Check the file: " + FailureSentence.reason(e) + ".");
      return null;
    }
  }
}
