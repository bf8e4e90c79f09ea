package io.tanuki4j.metrics;

/**
 * Where metrics go. {@link FanOutSink} holds several and keeps a failing one from stopping the run.
 */
public interface MetricsSink extends AutoCloseable {
  /** The run begins to train, or goes on; not called if it only evaluates. */
  default void start(RunInfo run) {}

  /** What one iteration found out. */
  default void update(UpdateMetrics metrics) {}

  /** A log interval ended with an iteration. */
  void iteration(IterationMetrics metrics);

  void evaluation(EvaluationMetrics metrics);

  /** What the parts of an iteration took. */
  default void timers(TimerMetrics metrics) {}

  /** The run ended with a failure; only {@link #close} follows. */
  default void failed() {}

  @Override
  void close();
}
