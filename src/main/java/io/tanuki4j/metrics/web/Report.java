package io.tanuki4j.metrics.web;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import com.google.gson.reflect.TypeToken;
import io.tanuki4j.error.UserException;
import io.tanuki4j.metrics.LogTail;
import io.tanuki4j.metrics.RunInfo;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The page of a run as one file that needs no server. */
public final class Report {
  private static final String METRICS = "metrics.jsonl";

  private Report() {}

  /**
   * Writes the page.
   *
   * @param folder of the run, with its metrics.jsonl
   * @param others folders of runs to compare with
   * @param log last lines of the run's log
   * @return the number of iterations
   * @throws UserException if a folder has no metrics.jsonl
   */
  public static int write(Path folder, List<Path> others, List<String> log, Path file)
      throws IOException {
    History history = history(folder);
    Map<String, History> compared = new LinkedHashMap<>();
    for (Path other : others) {
      History numbers = history(other);
      String name = name(other);
      compared.put(compared.containsKey(name) ? other.toString() : name, numbers);
    }
    try (Writer out = Files.newBufferedWriter(file)) {
      out.write(PageFiles.beforeData());
      new RunView(about(folder), history).write(0, new LogTail.Lines(0, log), compared, out);
      out.write(PageFiles.afterData());
    }
    return history.numRows();
  }

  private static History history(Path folder) throws IOException {
    Path file = Files.isDirectory(folder) ? folder.resolve(METRICS) : folder;
    if (!Files.isRegularFile(file)) {
      throw new UserException(
          "%s: no %s there (expected: the folder of --save of a run). Check the path."
              .formatted(folder, METRICS));
    }
    History history = new History();
    MetricsReader.read(file, Long.MAX_VALUE, history);
    return history;
  }

  private static String name(Path folder) throws IOException {
    return String.valueOf(folder.toRealPath().getFileName());
  }

  private static Map<String, @Nullable Object> about(Path folder) throws IOException {
    Path file = folder.resolve(RunInfo.FILE);
    Map<String, @Nullable Object> about = new LinkedHashMap<>();
    about.put("name", name(folder));
    if (Files.isRegularFile(file)) {
      try {
        about.putAll(
            new Gson()
                .fromJson(
                    Files.readString(file), new TypeToken<Map<String, @Nullable Object>>() {}));
      } catch (JsonParseException | NullPointerException e) {
        return about; // Truncated: the curves are still worth showing.
      }
    }
    return about;
  }
}
