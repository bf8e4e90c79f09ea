package io.tanuki4j.metrics.wandb;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.metrics.wandb.WandbServer.RequestException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A run on a server, which its own thread sends in batches. A permanent refusal by the server ends
 * the sending with one line in the log. The run's file has everything.
 */
final class OnlineRun {
  static final String HISTORY = "wandb-history.jsonl";
  static final String EVENTS = "wandb-events.jsonl";
  static final String SUMMARY = "wandb-summary.json";
  static final String OUTPUT = "output.log";
  private static final int MAX_LINES = 1000;
  private static final int MAX_WAITING = 200_000;

  private final WandbServer server;
  private final RunRequest request;
  private final Pace pace;
  private final Consumer<String> log;
  private final Consumer<String> onFailure;
  private final Thread thread;
  private final Map<String, List<String>> waiting = new LinkedHashMap<>();
  private final Map<String, Long> offsets = new LinkedHashMap<>();
  private String summary = "";
  private long lastStep = -1;
  private boolean isClosing;
  private boolean isOver;
  private int exitCode;
  private volatile String lastProblem = "it did not answer";

  /**
   * The intervals between requests.
   *
   * @param interval between batches
   * @param retry the first wait after a failure; it doubles up to {@code interval} and more
   * @param patience how long closing waits
   */
  record Pace(Duration interval, Duration retry, Duration patience) {
    static final Pace USUAL =
        new Pace(Duration.ofSeconds(15), Duration.ofSeconds(2), Duration.ofSeconds(20));
    private static final Duration LONGEST = Duration.ofSeconds(60);

    Duration after(Duration wait) {
      Duration twice = wait.multipliedBy(2);
      return twice.compareTo(LONGEST) > 0 ? LONGEST : twice;
    }
  }

  /**
   * Starts to send.
   *
   * @param log receives the page of the run
   * @param onFailure receives the reason why sending ended
   */
  OnlineRun(
      WandbServer server,
      RunRequest request,
      Pace pace,
      Consumer<String> log,
      Consumer<String> onFailure) {
    this.server = server;
    this.request = request;
    this.pace = pace;
    this.log = log;
    this.onFailure = onFailure;
    thread = new Thread(this::work, "metrics-wandb-online");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Queues a line of one of the run's files. History lines count only after the server's last step.
   */
  synchronized void line(String file, long step, String line) {
    if (!isOver) {
      List<String> lines = waiting.computeIfAbsent(file, name -> new ArrayList<>());
      if (lines.size() >= MAX_WAITING) {
        giveUp("it is %d lines behind".formatted(MAX_WAITING));
      } else if (!file.equals(HISTORY) || step > lastStep) {
        lines.add(line);
      }
    }
  }

  /** Replaces the last values of all metrics. */
  synchronized void summary(String json) {
    summary = json;
  }

  /** Sends the rest and the end of the run, but waits only for a limited time. */
  void close(int code) {
    synchronized (this) {
      exitCode = code;
      isClosing = true;
      notifyAll();
    }
    try {
      thread.join(pace.patience.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (this) {
      if (!isOver) {
        giveUp("the run ended before it was told all: " + lastProblem);
      }
    }
    thread.interrupt();
  }

  private void work() {
    try {
      JsonObject bucket = patiently(() -> request.send(server));
      begin(bucket);
      boolean isLast = false;
      while (!isLast) {
        isLast = await();
        patiently(this::sendBatch);
      }
      synchronized (this) {
        isOver = true;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException e) {
      synchronized (this) {
        giveUp(FailureSentence.of(e));
      }
    }
  }

  private synchronized void begin(JsonObject bucket) {
    offsets.put(HISTORY, number(bucket, "historyLineCount"));
    offsets.put(EVENTS, number(bucket, "eventsLineCount"));
    offsets.put(OUTPUT, number(bucket, "logLineCount"));
    lastStep = RunRequest.lastStep(bucket);
    List<String> history = waiting.getOrDefault(HISTORY, new ArrayList<>());
    history.removeIf(line -> step(line) <= lastStep);
    log.accept("Weights & Biases: " + request.page());
  }

  private static long step(String line) {
    return JsonParser.parseString(line).getAsJsonObject().get("_step").getAsLong();
  }

  private static long number(JsonObject object, String name) {
    JsonElement value = object.get(name);
    return value == null || value.isJsonNull() ? 0 : value.getAsLong();
  }

  /** Waits for the next batch. Returns whether it is the last one. */
  private synchronized boolean await() throws InterruptedException {
    long end = System.nanoTime() + pace.interval.toNanos();
    while (!isClosing && System.nanoTime() < end) {
      wait(Math.max(1, (end - System.nanoTime()) / 1_000_000));
    }
    return isClosing && waiting.values().stream().allMatch(lines -> lines.size() <= MAX_LINES);
  }

  /** A request that can be repeated. */
  @FunctionalInterface
  private interface Request {
    JsonObject send() throws IOException;
  }

  private JsonObject patiently(Request work) throws IOException, InterruptedException {
    Duration wait = pace.retry;
    while (true) {
      try {
        return work.send();
      } catch (RequestException e) {
        if (e.isFinal()) {
          throw e;
        }
        lastProblem = String.valueOf(e.getMessage());
        sleep(e.retryAfter().orElse(wait));
      } catch (IOException e) {
        lastProblem = "the server cannot be reached";
        sleep(wait);
      }
      wait = pace.after(wait);
    }
  }

  private static void sleep(Duration time) throws InterruptedException {
    Thread.sleep(time.toMillis());
  }

  private JsonObject sendBatch() throws IOException {
    Map<String, List<String>> batch = new LinkedHashMap<>();
    JsonObject body = new JsonObject();
    synchronized (this) {
      waiting.forEach(
          (file, lines) ->
              batch.put(file, List.copyOf(lines.subList(0, Math.min(MAX_LINES, lines.size())))));
      body.add("files", files(batch));
      if (isClosing && waiting.values().stream().allMatch(lines -> lines.size() <= MAX_LINES)) {
        body.addProperty("complete", true);
        body.addProperty("exitcode", exitCode);
      }
    }
    JsonObject answer = server.post(request.streamPath(), body);
    synchronized (this) {
      batch.forEach(
          (file, lines) -> {
            waiting.getOrDefault(file, new ArrayList<>()).subList(0, lines.size()).clear();
            offsets.merge(file, (long) lines.size(), Long::sum);
          });
    }
    return answer;
  }

  private JsonObject files(Map<String, List<String>> batch) {
    JsonObject files = new JsonObject();
    batch.forEach(
        (file, lines) -> {
          if (!lines.isEmpty()) {
            files.add(file, content(offsets.getOrDefault(file, 0L), lines));
          }
        });
    if (!summary.isEmpty()) {
      files.add(SUMMARY, content(0, List.of(summary)));
    }
    return files;
  }

  private static JsonObject content(long offset, List<String> lines) {
    JsonArray content = new JsonArray();
    lines.forEach(content::add);
    JsonObject part = new JsonObject();
    part.addProperty("offset", offset);
    part.add("content", content);
    return part;
  }

  private void giveUp(String reason) {
    if (!isOver) {
      isOver = true;
      waiting.clear();
      onFailure.accept(reason.replaceFirst("\\.$", "")); // the warning goes on
    }
  }
}
