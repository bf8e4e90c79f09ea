package io.tanuki4j.metrics.wandb;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.MegatronLines;
import io.tanuki4j.metrics.Rows;
import io.tanuki4j.metrics.RunInfo;
import io.tanuki4j.metrics.proto.ProtoWriter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A run of Weights &amp; Biases: always in a folder that {@code wandb sync} can send, and on a
 * server if there is a key for it. A resumed run writes the earlier iterations into its new folder,
 * too, so that the newest folder holds the whole run.
 */
public final class WandbSink extends Rows {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final DateTimeFormatter OUTPUT_TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS", Locale.ROOT);

  private final WandbConfig config;
  private final WandbEnvironment environment;
  private final Clock clock;
  private final Consumer<String> log;
  private final Map<String, Object> summary = new LinkedHashMap<>();
  private final Instant start;
  private long startIteration;
  private int exitCode;
  private final WandbTarget target;
  private @Nullable RecordFile file;
  private @Nullable OnlineRun online;

  /**
   * Writes a run.
   *
   * @param log receives a line that says how to send the run
   */
  public WandbSink(
      WandbConfig config,
      WandbEnvironment environment,
      WandbTarget target,
      Clock clock,
      Consumer<String> log) {
    this.config = config;
    this.environment = environment;
    this.target = target;
    this.clock = clock;
    this.log = log;
    start = clock.instant();
  }

  @Override
  protected void open(RunInfo info) {
    startIteration = info.startIteration();
    try {
      boolean goesOn = info.startIteration() > 0;
      RunFolder folder = RunFolder.create(parent(), id(), goesOn, target.isOnline(), clock);
      file = new RecordFile(folder.log());
      file.append(Records.HEADER, Records.header());
      file.append(
          Records.RUN, Records.run(config, environment, folder.id(), info.arguments(), start));
      String command = "wandb sync " + folder.folder();
      if (target.isOnline()) {
        online = target.open(config, environment, folder.id(), info.arguments(), reporter(command));
      } else {
        log.accept(
            "Weights & Biases: run %s of project %s. Send it with: %s"
                .formatted(folder.id(), config.project(), command));
      }
      replay();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private WandbTarget.Reporter reporter(String command) {
    return new WandbTarget.Reporter(
        log,
        reason ->
            log.accept(
                "WARNING: Weights & Biases: %s. The run is in its folder; send it with: %s"
                    .formatted(reason, command)));
  }

  private Path parent() {
    return config.folder() == null ? environment.folder() : config.folder();
  }

  private @Nullable String id() {
    if (config.id() != null) {
      return config.id();
    }
    return environment.run().id().isEmpty() ? null : environment.run().id();
  }

  /** Writes the metrics of earlier parts of the run. */
  private void replay() throws IOException {
    Path metrics = config.metrics();
    if (startIteration == 0 || metrics == null || !Files.isRegularFile(metrics)) {
      return;
    }
    try (BufferedReader lines = Files.newBufferedReader(metrics)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.endsWith("}")) {
          replay(new Gson().fromJson(line, JsonObject.class));
        }
      }
    }
  }

  private void replay(JsonObject row) {
    long iteration = row.remove("iteration").getAsLong();
    if (iteration <= startIteration) {
      Map<String, Object> values = new LinkedHashMap<>();
      for (Map.Entry<String, JsonElement> entry : row.entrySet()) {
        JsonElement value = entry.getValue();
        if (!value.isJsonArray()) { // The times of the ranks have no curve here.
          values.put(entry.getKey(), value.isJsonNull() ? Double.NaN : value.getAsDouble());
        }
      }
      history(iteration, values, start);
    }
  }

  @Override
  protected void write(long rowIteration, Map<String, Double> values) {
    history(rowIteration, new LinkedHashMap<>(values), clock.instant());
  }

  private void history(long iteration, Map<String, Object> values, Instant time) {
    values.put("_step", iteration);
    values.put("_runtime", seconds(Duration.between(start, time)));
    values.put("_timestamp", time.getEpochSecond() + time.getNano() / NANOS_PER_SECOND);
    summary.putAll(values);
    append(Records.HISTORY, Records.history(iteration, values));
    if (online != null) {
      online.line(OnlineRun.HISTORY, iteration, Records.json(values));
      online.summary(Records.json(summary));
    }
  }

  @Override
  public void iteration(IterationMetrics metrics) {
    super.iteration(metrics);
    output(MegatronLines.iteration(metrics, LocalDateTime.now(clock)));
    append(
        Records.STATS,
        Records.stats(
            clock.instant(), Map.of("gpu.0.memoryAllocatedBytes", metrics.memory().allocated())));
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {
    super.evaluation(metrics);
    MegatronLines.evaluation(metrics).lines().forEach(this::output);
  }

  private void output(String line) {
    Instant now = clock.instant();
    append(Records.OUTPUT, Records.output(now, line));
    if (online != null) {
      String time = LocalDateTime.ofInstant(now, ZoneOffset.UTC).format(OUTPUT_TIME);
      online.line(OnlineRun.OUTPUT, 0, time + " " + line);
    }
  }

  @Override
  public void failed() {
    exitCode = 1;
  }

  @Override
  protected void end() {
    long runtime = Duration.between(start, clock.instant()).toSeconds();
    summary.put("_wandb", Map.of("runtime", runtime));
    append(Records.SUMMARY, Records.summary(summary));
    if (online != null) {
      online.summary(Records.json(summary));
      online.close(exitCode);
    }
    append(Records.EXIT, Records.exit(exitCode, runtime));
    append(Records.FINAL, new ProtoWriter());
    append(Records.FOOTER, new ProtoWriter());
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void append(int kind, ProtoWriter record) {
    try {
      if (file != null) {
        file.append(kind, record);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / NANOS_PER_SECOND;
  }
}
