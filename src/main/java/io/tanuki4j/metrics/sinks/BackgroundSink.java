package io.tanuki4j.metrics.sinks;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.Fp8Metrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.RunInfo;
import io.tanuki4j.metrics.TimerMetrics;
import io.tanuki4j.metrics.UpdateMetrics;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A sink with its own queue and thread, so that it neither slows nor stops training. If it fails or
 * falls behind, this is reported once, and it receives nothing more.
 */
final class BackgroundSink implements MetricsSink {
  private static final int QUEUE_SIZE = 1 << 14;

  private final String name;
  private final MetricsSink sink;
  private final long closeSeconds;
  private final Consumer<String> warnings;
  private final BlockingQueue<Consumer<MetricsSink>> queue = new ArrayBlockingQueue<>(QUEUE_SIZE);
  private final Thread thread;
  private volatile boolean isOver;

  /**
   * Starts the thread.
   *
   * @param name for warnings
   * @param closeSeconds how long closing waits for what is queued
   */
  BackgroundSink(String name, MetricsSink sink, long closeSeconds, Consumer<String> warnings) {
    this.name = name;
    this.sink = sink;
    this.closeSeconds = closeSeconds;
    this.warnings = warnings;
    thread = new Thread(this::work, "metrics-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void start(RunInfo run) {
    queue(sink -> sink.start(run));
  }

  @Override
  public void update(UpdateMetrics metrics) {
    queue(sink -> sink.update(metrics));
  }

  @Override
  public void iteration(IterationMetrics metrics) {
    queue(sink -> sink.iteration(metrics));
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {
    queue(sink -> sink.evaluation(metrics));
  }

  @Override
  public void fp8(Fp8Metrics metrics) {
    queue(sink -> sink.fp8(metrics));
  }

  @Override
  public void timers(TimerMetrics metrics) {
    queue(sink -> sink.timers(metrics));
  }

  @Override
  public void failed() {
    queue(MetricsSink::failed);
  }

  /** Waits for what is queued, but not for long. */
  @Override
  public void close() {
    queue(this::end);
    try {
      thread.join(TimeUnit.SECONDS.toMillis(closeSeconds));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      giveUp("it was still busy %d s after the end of the run".formatted(closeSeconds));
    }
  }

  private void queue(Consumer<MetricsSink> call) {
    if (!isOver && !queue.offer(call)) {
      giveUp("it is %d reports behind".formatted(QUEUE_SIZE));
    }
  }

  private void work() {
    try {
      while (!isOver) {
        queue.take().accept(sink);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      giveUp(FailureSentence.of(e));
    }
  }

  private void end(MetricsSink last) {
    last.close();
    isOver = true;
  }

  private void giveUp(String reason) {
    if (!isOver) {
      isOver = true;
      warnings.accept(
          "WARNING: %s gets no more metrics: %s. Training continues without it."
              .formatted(name, reason.replaceFirst("\\.$", "")));
    }
  }
}
