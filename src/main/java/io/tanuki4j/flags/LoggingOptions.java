package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.metrics.LoggingConfig;
import io.tanuki4j.metrics.TimerMetrics.Style;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link LoggingConfig}. */
public final class LoggingOptions {
  private static final int MAX_LEVEL = 2;

  @Option(
      names = "--log-interval",
      paramLabel = "N",
      description = "Iterations between the lines of the log.")
  int logInterval = 100;

  @Option(names = "--log-throughput", description = "Adds TFLOP/s to the line.")
  boolean logThroughput;

  @Option(names = "--log-params-norm", description = "Adds the norm of the weights to the line.")
  boolean logParamsNorm;

  @Option(
      names = "--log-num-zeros-in-grad",
      description = "Adds the number of zeros in the gradient to the line.")
  boolean logNumZerosInGrad;

  @Option(
      names = "--log-energy",
      description =
          "Adds the joules of an iteration and the watts of a GPU, by NVML, to the line; joules per"
              + " token to metrics.jsonl and the page.")
  boolean logEnergy;

  @Option(
      names = "--log-fp8",
      description =
          "Adds, for each kind of tensor that --fp8-format casts, the share of clipped numbers, the"
              + " share of zeros and the smallest scale. Counting reads all of them once more.")
  boolean logFp8;

  @Option(
      names = "--no-progress-line",
      description = "Leaves out our own line about progress and speed under each line of the log.")
  boolean progressLine = true;

  @Option(
      names = "--peak-tflops",
      paramLabel = "X",
      description =
          "Peak TFLOP/s of a device, for the MFU (default: known for many GPUs, in bf16 and fp8).")
  @Nullable Double peakTflops;

  @Option(
      names = "--measure-peak",
      description =
          "Where the peak is unknown, measures a large product at the start, for about a second; the"
              + " line about progress shows the share of its rate.")
  boolean measurePeak;

  @Option(
      names = "--no-args-dump",
      description = "Leaves the list of all arguments out of the log.")
  boolean argsDump = true;

  @Option(
      names = "--timing-log-level",
      paramLabel = "0|1|2",
      description =
          "Adds what the parts of an iteration take, and how long ranks wait for each other; with 2"
              + " in each kind of group. Both are measured by the device, which waits for nothing.")
  int timingLogLevel = 0;

  @Option(
      names = "--timing-log-option",
      paramLabel = "minmax|max|all",
      description = "Which ranks' times are shown.")
  String timingLogOption = "minmax";

  void check(Problems problems) {
    problems.positive("--peak-tflops", peakTflops, "A H100 has 989 in bf16.");
    problems.positive("--log-interval", logInterval, "Write 1 for a line per iteration.");
    if (timingLogLevel < 0 || timingLogLevel > MAX_LEVEL) {
      problems.add("--timing-log-level", timingLogLevel, "0, 1 or 2", "Write 0 for no timers.");
    }
    problems.oneOf("--timing-log-option", timingLogOption, List.of("minmax", "max", "all"));
  }

  /**
   * Returns the configuration.
   *
   * @param rankTimes whether sinks receive the ranks' times also without timers
   */
  LoggingConfig toConfig(boolean rankTimes) {
    return new LoggingConfig(
        logInterval,
        new LoggingConfig.Line(logThroughput, logParamsNorm, logNumZerosInGrad, logEnergy),
        logFp8,
        timingLogLevel,
        Style.valueOf(timingLogOption.toUpperCase(Locale.ROOT)),
        rankTimes,
        argsDump);
  }
}
