package io.tanuki4j.metrics;

import java.time.Clock;
import java.util.List;

/** Opens the sinks of the reporting rank: the one place that a new one is added to. */
public final class Sinks {
  private Sinks() {}

  /**
   * @param console gets Megatron's lines
   * @param clock its zone is that of the printed times
   */
  public static MetricsSink open(RunLog console, Clock clock) {
    return new FanOutSink(List.of(new ConsoleSink(console, clock)));
  }

  /** Returns the sink of a rank that does not report. */
  public static MetricsSink none() {
    return new FanOutSink(List.of());
  }
}
