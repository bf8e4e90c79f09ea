package io.tanuki4j.metrics.sinks;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.tanuki4j.metrics.Rows;
import io.tanuki4j.metrics.RunInfo;
import io.tanuki4j.metrics.TimerMetrics;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code metrics.jsonl}: one JSON object per iteration, with {@code null} for numbers that are not
 * finite. A run that resumes from a checkpoint replaces the lines of later iterations; a new run
 * moves an older file away.
 */
final class MetricsFile extends Rows {
  static final String NAME = "metrics.jsonl";
  private static final Pattern ITERATION = Pattern.compile("\\{\"iteration\":(\\d{1,18}),.*}");

  private final Path file;
  private final Gson gson = new GsonBuilder().serializeNulls().create();
  private Map<String, double[]> rankMillis = Map.of();
  private @Nullable Writer writer;

  MetricsFile(Path folder) {
    file = folder.resolve(NAME);
  }

  @Override
  protected void open(RunInfo info) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      if (Files.exists(file)) {
        keep(info.startIteration());
      }
      replace(file.resolveSibling(RunInfo.FILE), gson.toJson(info.facts()));
      writer = Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void keep(long lastIteration) throws IOException {
    if (lastIteration == 0) {
      Files.move(file, unused());
      return;
    }
    Path temporary = file.resolveSibling(NAME + ".tmp");
    try (BufferedReader old = Files.newBufferedReader(file);
        Writer kept = Files.newBufferedWriter(temporary)) {
      for (String line = old.readLine(); line != null; line = old.readLine()) {
        OptionalLong iteration = iteration(line);
        if (iteration.isPresent() && iteration.getAsLong() <= lastIteration) {
          kept.append(line).append('\n');
        }
      }
    }
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private static void replace(Path target, String text) throws IOException {
    Path temporary = target.resolveSibling(target.getFileName() + ".tmp");
    Files.writeString(temporary, text);
    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Returns the first of {@code metrics.1.jsonl, metrics.2.jsonl, …} that does not exist. */
  private Path unused() {
    int number = 1;
    while (Files.exists(file.resolveSibling("metrics.%d.jsonl".formatted(number)))) {
      number++;
    }
    return file.resolveSibling("metrics.%d.jsonl".formatted(number));
  }

  /** Returns the iteration of a line; empty if the line was truncated. */
  private static OptionalLong iteration(String line) {
    Matcher matcher = ITERATION.matcher(line);
    return matcher.matches()
        ? OptionalLong.of(Long.parseLong(matcher.group(1)))
        : OptionalLong.empty();
  }

  /** Keeps the times of the ranks, in milliseconds, for the row of the present iteration. */
  @Override
  public void timers(TimerMetrics metrics) {
    rankMillis = metrics.millisByRank();
  }

  @Override
  protected void write(long rowIteration, Map<String, Double> values) {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    object.put("iteration", rowIteration);
    values.forEach((name, value) -> object.put(name, number(value)));
    object.putAll(rankMillis);
    rankMillis = Map.of();
    if (writer != null) {
      try {
        writer.append(gson.toJson(object)).append('\n').flush();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static @Nullable Number number(double value) {
    if (!Double.isFinite(value)) {
      return null;
    }
    long whole = (long) value;
    return whole == value ? (Number) whole : (Number) value;
  }

  @Override
  protected void end() {
    try {
      if (writer != null) {
        writer.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
