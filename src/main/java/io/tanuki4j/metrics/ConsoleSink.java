package io.tanuki4j.metrics;

import java.time.Clock;
import java.time.LocalDateTime;

/** Prints Megatron's lines about metrics. */
public final class ConsoleSink implements MetricsSink {
  private final RunLog out;
  private final Clock clock;

  /**
   * Prints metrics to a log.
   *
   * @param clock sets the time zone of the printed times
   */
  public ConsoleSink(RunLog out, Clock clock) {
    this.out = out;
    this.clock = clock;
  }

  @Override
  public void iteration(IterationMetrics metrics) {
    out.message(MegatronLines.iteration(metrics, LocalDateTime.now(clock)));
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {
    out.message(MegatronLines.evaluation(metrics));
  }

  @Override
  public void timers(TimerMetrics metrics) {
    if (metrics.isLogged()) {
      out.message(MegatronLines.timers(metrics));
    }
  }

  @Override
  public void fp8(Fp8Metrics metrics) {
    out.message(MegatronLines.fp8(metrics));
  }

  @Override
  public void close() {}
}
