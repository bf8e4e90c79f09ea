package io.tanuki4j.metrics;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The times of the parts of an iteration on each rank.
 *
 * @param style of the lines
 */
public record TimerMetrics(Style style, List<Timer> timers) {
  /** The timer of whole iterations, which Megatron's lines state elsewhere. */
  public static final String INTERVAL = "interval-time";

  private static final String BY_RANK = " by rank (ms)";

  public TimerMetrics {
    timers = List.copyOf(timers);
  }

  /** Returns whether the log shows them. */
  public boolean isLogged() {
    return style != Style.HIDDEN;
  }

  /** Returns the milliseconds of an iteration by rank, under names for files. */
  public Map<String, double[]> millisByRank() {
    Map<String, double[]> millis = new LinkedHashMap<>();
    timers.forEach(timer -> millis.put(timer.name() + BY_RANK, timer.millis()));
    return millis;
  }

  /** Returns a timer's name from one for files. */
  public static String timerName(String name) {
    return name.substring(0, name.length() - (name.endsWith(BY_RANK) ? BY_RANK.length() : 0));
  }

  /** {@code --timing-log-option}. */
  public enum Style {
    MINMAX,
    MAX,
    ALL,
    /** For sinks that show ranks; without lines in the log. */
    HIDDEN
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
