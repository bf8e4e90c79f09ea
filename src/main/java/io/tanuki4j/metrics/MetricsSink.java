package io.tanuki4j.metrics;

/**
 * Where metrics go. {@link FanOutSink} holds several and keeps a failing one from stopping the run.
 */
public interface MetricsSink extends AutoCloseable {
  void iteration(IterationMetrics metrics);

  void evaluation(EvaluationMetrics metrics);

  /** What the parts of an iteration took. */
  default void timers(TimerMetrics metrics) {}

  /** A line of Megatron's log that is no metric, for example that the run is exiting. */
  default void message(String line) {}

  /** A line about what one part of the model takes, for example its number of parameters. */
  default void ofPart(String line) {
    message(line);
  }

  @Override
  void close();
}
