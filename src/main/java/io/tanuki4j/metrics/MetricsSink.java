package io.tanuki4j.metrics;

/**
 * Where metrics go. {@link FanOutSink} holds several and keeps a failing one from stopping the run.
 */
public interface MetricsSink extends AutoCloseable {
  /**
   * Receives the start of training, also of a resumed run. Not called if the run only evaluates.
   */
  default void start(RunInfo run) {}

  /** Receives the metrics of one iteration. */
  default void update(UpdateMetrics metrics) {}

  /** Receives the metrics of a log interval, when its last iteration is done. */
  void iteration(IterationMetrics metrics);

  void evaluation(EvaluationMetrics metrics);

  /** Receives the times of the parts of an iteration. */
  default void timers(TimerMetrics metrics) {}

  /** Receives what FP8 did to tensors in a log interval, after its {@link #iteration}. */
  default void fp8(Fp8Metrics metrics) {}

  /** Is told that the run failed; only {@link #close} follows. */
  default void failed() {}

  @Override
  void close();
}
