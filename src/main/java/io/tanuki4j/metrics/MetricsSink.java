package io.tanuki4j.metrics;

/**
 * Where metrics go. {@link FanOutSink} holds several and keeps a failing one from stopping the run.
 */
public interface MetricsSink extends AutoCloseable {
  void iteration(IterationMetrics metrics);

  void evaluation(EvaluationMetrics metrics);

  /** What the parts of an iteration took. */
  default void timers(TimerMetrics metrics) {}

  @Override
  void close();
}
