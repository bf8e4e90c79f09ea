package io.tanuki4j.metrics.sinks;

import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.MetricNames;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.PythonFormat;
import io.tanuki4j.metrics.RunInfo;
import io.tanuki4j.metrics.RunLog;
import java.time.Duration;
import java.util.Locale;

/**
 * Adds a line after each of Megatron's: progress, speed and memory use. It avoids the words by
 * which programs find Megatron's lines.
 */
final class ProgressSink implements MetricsSink {
  private static final double GIB = 1L << 30;
  private static final double PERCENT = 100;
  private static final double THOUSAND = 1e3;
  private static final String[] UNITS = {"", " k", " M", " G", " T"};

  private final RunLog log;
  private RunInfo run = RunInfo.NONE;

  /** Logs to a run's log. */
  ProgressSink(RunLog log) {
    this.log = log;
  }

  @Override
  public void start(RunInfo info) {
    run = info;
  }

  @Override
  public void iteration(IterationMetrics metrics) {
    long left = metrics.position().trainIterations() - metrics.position().iteration();
    Duration eta = Duration.ofMillis((long) (left * metrics.speed().millisPerIteration()));
    double done = PERCENT * metrics.position().iteration() / metrics.position().trainIterations();
    log.message(
        " progress: %s %% | %s tokens/s | %s tokens so far | %s to go | %s | %s GiB"
            .formatted(
                PythonFormat.fixed(done, 1),
                count(MetricNames.tokensPerSecond(metrics, run)),
                count((double) metrics.position().consumedSamples() * run.seqLength()),
                duration(eta),
                rate(metrics),
                PythonFormat.fixed(metrics.memory().reserved() / GIB, 1)));
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {}

  @Override
  public void close() {}

  private String rate(IterationMetrics metrics) {
    String rate = significant(MetricNames.teraflops(metrics, run)) + " TFLOP/s a device";
    Double mfu = MetricNames.mfu(metrics, run);
    if (mfu != null) {
      return "%s (MFU %s %%)".formatted(rate, PythonFormat.fixed(PERCENT * mfu, 1));
    }
    Double share = MetricNames.shareOfMeasured(metrics, run);
    return share == null
        ? rate
        : "%s (%s %% of the measured rate)".formatted(rate, PythonFormat.fixed(PERCENT * share, 1));
  }

  /** Formats a count: {@code 950}, {@code 12.3 k}, {@code 4.56 M}. */
  static String count(double number) {
    double rest = number;
    int unit = 0;
    while (rest >= THOUSAND && unit < UNITS.length - 1) {
      rest /= THOUSAND;
      unit++;
    }
    return significant(rest) + UNITS[unit];
  }

  /** Formats a duration: {@code 45 s}, {@code 12 min 5 s}, {@code 3 h 20 min}, {@code 5 d 7 h}. */
  static String duration(Duration duration) {
    if (duration.toDays() > 0) {
      return "%d d %d h".formatted(duration.toDays(), duration.toHoursPart());
    }
    if (duration.toHours() > 0) {
      return "%d h %d min".formatted(duration.toHours(), duration.toMinutesPart());
    }
    if (duration.toMinutes() > 0) {
      return "%d min %d s".formatted(duration.toMinutes(), duration.toSecondsPart());
    }
    return duration.toSeconds() + " s";
  }

  private static String significant(double value) {
    int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.01 || value == 0 ? 2 : 5;
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }
}
