package io.tanuki4j.metrics.web;

import com.google.gson.Gson;
import io.tanuki4j.error.UserException;
import io.tanuki4j.metrics.LogTail;
import io.tanuki4j.metrics.Rows;
import io.tanuki4j.metrics.RunInfo;
import io.tanuki4j.metrics.TimerMetrics;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Shows the run on a page. A resumed run shows its earlier iterations, too, if its {@code
 * metrics.jsonl} is there.
 */
public final class WebSink extends Rows implements PageServer.Source {
  /** What the page says of the run. */
  private enum State {
    TRAINING,
    FAILED
  }

  private final WebConfig config;
  private final @Nullable String token;
  private final LogTail log;
  private final Clock clock;
  private final History history = new History();
  private volatile Map<String, @Nullable Object> about = Map.of();
  private volatile State state = State.TRAINING;
  private volatile Instant lastNews;
  private @Nullable PageServer server;

  /**
   * Shows a run.
   *
   * @param token that requests must show; null for none
   * @param log whose last lines the page shows; receives the page's address
   */
  public WebSink(WebConfig config, @Nullable String token, LogTail log, Clock clock) {
    this.config = config;
    this.token = token;
    this.log = log;
    this.clock = clock;
    lastNews = clock.instant();
  }

  @Override
  protected void open(RunInfo info) {
    Map<String, @Nullable Object> facts = new LinkedHashMap<>(info.facts());
    facts.put("id", UUID.randomUUID().toString());
    about = facts;
    try {
      Path metrics = config.metrics();
      if (info.startIteration() > 0 && metrics != null && Files.isRegularFile(metrics)) {
        MetricsReader.read(metrics, info.startIteration(), history);
      }
      server = new PageServer(config, token, this);
    } catch (IOException e) {
      throw new UserException(
          "port %d of %s cannot be used: %s. Choose another --web-port, or 0 for any"
              .formatted(config.port(), config.host(), e.getMessage()));
    }
    log.message("page of the run: http://%s:%d/".formatted(urlHost(), server.port()));
  }

  private String urlHost() {
    return config.host().contains(":") ? "[" + config.host() + "]" : config.host();
  }

  /** Returns the port; for tests. */
  int port() {
    if (server == null) {
      throw new IllegalStateException("not started");
    }
    return server.port();
  }

  @Override
  protected void write(long rowIteration, Map<String, Double> values) {
    history.add(rowIteration, values);
    lastNews = clock.instant();
  }

  @Override
  public void timers(TimerMetrics metrics) {
    history.ranks(metrics);
  }

  @Override
  public void failed() {
    state = State.FAILED;
  }

  @Override
  public void data(int firstRow, long firstLine, Writer out) throws IOException {
    Map<String, @Nullable Object> now = new LinkedHashMap<>(about);
    now.put("state", state);
    new RunView(now, history).write(firstRow, log.from(firstLine), Map.of(), out);
  }

  @Override
  public String metrics() {
    Map<String, Double> latest = history.latest();
    if (about.get("trainIterations") instanceof Number iterations) {
      latest.put("train-iterations", iterations.doubleValue());
    }
    return PrometheusText.of(latest, history.rankMillis());
  }

  @Override
  public PageServer.Health health() {
    Map<String, @Nullable Object> health = new LinkedHashMap<>();
    health.put("state", state);
    health.put("iteration", history.latest().getOrDefault(History.ITERATION, 0.0).longValue());
    health.put("secondsSinceNews", Duration.between(lastNews, clock.instant()).toSeconds());
    return new PageServer.Health(state == State.TRAINING, new Gson().toJson(health) + "\n");
  }

  @Override
  protected void end() {
    if (server != null) {
      server.close();
    }
  }
}
