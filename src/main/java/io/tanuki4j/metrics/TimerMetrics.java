package io.tanuki4j.metrics;

import java.util.Arrays;
import java.util.List;

/**
 * The times of the parts of an iteration on each rank.
 *
 * @param style of the lines
 */
public record TimerMetrics(Style style, List<Timer> timers) {
  public TimerMetrics {
    timers = List.copyOf(timers);
  }

  /** {@code --timing-log-option}. */
  public enum Style {
    MINMAX,
    MAX,
    ALL
  }

  /**
   * One part of an iteration.
   *
   * @param millis of an iteration, by rank
   */
  public record Timer(String name, double[] millis) {
    /** Returns the time of the fastest rank. */
    public double min() {
      return Arrays.stream(millis).min().orElse(0);
    }

    /** Returns the time of the slowest rank. */
    public double max() {
      return Arrays.stream(millis).max().orElse(0);
    }
  }
}
