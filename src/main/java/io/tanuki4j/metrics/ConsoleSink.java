package io.tanuki4j.metrics;

import java.io.PrintStream;
import java.time.Clock;
import java.time.LocalDateTime;

/** Prints Megatron's lines. Closing it leaves the stream open. */
public final class ConsoleSink implements MetricsSink {
  private final PrintStream out;
  private final Clock clock;

  /**
   * @param clock its zone is that of the printed times
   */
  public ConsoleSink(PrintStream out, Clock clock) {
    this.out = out;
    this.clock = clock;
  }

  @Override
  public void iteration(IterationMetrics metrics) {
    message(MegatronLines.iteration(metrics, LocalDateTime.now(clock)));
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {
    message(MegatronLines.evaluation(metrics));
  }

  @Override
  public void timers(TimerMetrics metrics) {
    message(MegatronLines.timers(metrics));
  }

  @Override
  public void message(String line) {
    out.println(line);
    out.flush();
  }

  @Override
  public void close() {
    out.flush();
  }
}
