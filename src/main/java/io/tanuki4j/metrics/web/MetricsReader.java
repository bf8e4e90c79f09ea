package io.tanuki4j.metrics.web;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.tanuki4j.metrics.TimerMetrics;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.StreamSupport;

/** Reads the lines of a metrics.jsonl. */
final class MetricsReader {
  private final Gson gson = new Gson();
  private final History history;

  private MetricsReader(History history) {
    this.history = history;
  }

  /**
   * Adds a file's iterations to a history. Truncated lines, as a kill leaves them, are skipped.
   *
   * @param lastIteration later ones are left out
   */
  static void read(Path file, long lastIteration, History history) throws IOException {
    MetricsReader reader = new MetricsReader(history);
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        reader.line(line, lastIteration);
      }
    }
  }

  private void line(String line, long lastIteration) {
    JsonObject row;
    try {
      row = gson.fromJson(line, JsonObject.class);
    } catch (JsonParseException e) {
      return;
    }
    if (row == null || !row.has(History.ITERATION)) {
      return;
    }
    long iteration = row.remove(History.ITERATION).getAsLong();
    if (iteration <= lastIteration) {
      Map<String, Double> values = new LinkedHashMap<>();
      Map<String, double[]> rankMillis = new LinkedHashMap<>();
      row.entrySet().forEach(entry -> add(entry.getKey(), entry.getValue(), values, rankMillis));
      history.add(iteration, values);
      if (!rankMillis.isEmpty()) {
        history.ranks(rankMillis);
      }
    }
  }

  private static void add(
      String name, JsonElement value, Map<String, Double> values, Map<String, double[]> ranks) {
    if (value.isJsonArray()) {
      double[] millis =
          StreamSupport.stream(value.getAsJsonArray().spliterator(), false)
              .mapToDouble(MetricsReader::number)
              .toArray();
      ranks.put(TimerMetrics.timerName(name), millis);
    } else {
      values.put(name, number(value));
    }
  }

  private static double number(JsonElement value) {
    return value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber()
        ? value.getAsDouble()
        : Double.NaN;
  }
}
