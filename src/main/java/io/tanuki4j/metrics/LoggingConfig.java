package io.tanuki4j.metrics;

import io.tanuki4j.metrics.TimerMetrics.Style;

/**
 * @param logInterval iterations per iteration line
 * @param logThroughput whether the line has TFLOP/s
 * @param timingLevel {@code --timing-log-level}: 0 for no timers, 1 for the parts of an iteration,
 *     2 for each group of ranks too
 * @param timingStyle of the timers' lines
 * @param rankTimes whether sinks receive the ranks' times also without timers
 * @param argumentDump whether the log begins with all arguments
 */
public record LoggingConfig(
    int logInterval,
    boolean logThroughput,
    boolean logParamsNorm,
    boolean logNumZeros,
    int timingLevel,
    Style timingStyle,
    boolean rankTimes,
    boolean argumentDump) {
  /** Returns whether the times of the parts of an iteration are measured. */
  public boolean measuresParts() {
    return timingLevel > 0;
  }

  /** Lines without timers. */
  public LoggingConfig(
      int logInterval, boolean logThroughput, boolean logParamsNorm, boolean logNumZeros) {
    this(logInterval, logThroughput, logParamsNorm, logNumZeros, 0, Style.MINMAX, false, true);
  }
}
