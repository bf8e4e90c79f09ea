package io.tanuki4j.metrics;

import io.tanuki4j.metrics.TimerMetrics.Style;

/**
 * What a run logs.
 *
 * @param logInterval iterations per iteration line
 * @param line optional numbers of the line
 * @param fp8 whether FP8 tensors are counted, and reported under the line
 * @param timingLevel {@code --timing-log-level}: 0 for no timers, 1 for the parts of an iteration,
 *     2 for each group of ranks too
 * @param timingStyle of the timers' lines
 * @param rankTimes whether sinks receive the ranks' times also without timers
 * @param argumentDump whether the log begins with all arguments
 */
public record LoggingConfig(
    int logInterval,
    Line line,
    boolean fp8,
    int timingLevel,
    Style timingStyle,
    boolean rankTimes,
    boolean argumentDump) {
  /**
   * The numbers of an iteration line that are left out unless asked for.
   *
   * @param throughput TFLOP/s
   * @param energy joules and watts, where the device counts them
   */
  public record Line(boolean throughput, boolean paramsNorm, boolean numZeros, boolean energy) {
    /** The shortest line. */
    public static final Line SHORT = new Line(false, false, false, false);
  }

  /** Lines without timers. */
  public LoggingConfig(int logInterval, Line line) {
    this(logInterval, line, false, 0, Style.MINMAX, false, true);
  }

  /** Returns whether the times of the parts of an iteration are measured. */
  public boolean measuresParts() {
    return timingLevel > 0;
  }
}
