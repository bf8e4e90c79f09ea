package io.tanuki4j.metrics.sinks;

import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.IterationMetrics.Losses;
import io.tanuki4j.metrics.IterationMetrics.Memory;
import io.tanuki4j.metrics.IterationMetrics.Norms;
import io.tanuki4j.metrics.IterationMetrics.Skipped;
import io.tanuki4j.metrics.IterationMetrics.Speed;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.RunInfo;
import io.tanuki4j.metrics.RunPosition;
import io.tanuki4j.metrics.UpdateMetrics;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A run of 2 samples an iteration and 8 tokens a sample, in numbers that are easy to know again.
 */
public final class Metrics {
  private Metrics() {}

  /** Returns a run that goes on after an iteration. */
  public static RunInfo run(long startIteration) {
    return run(startIteration, null);
  }

  /** Returns the same, on devices of a known peak. */
  public static RunInfo run(long startIteration, @Nullable Double peakTeraflops) {
    RunInfo.Ranks ranks = new RunInfo.Ranks(Map.of("tp", 1), "a device", 1e12, peakTeraflops, 16.0);
    return new RunInfo(
        Map.of("lr", 0.5, "name", "日本語"), startIteration, 2 * startIteration, 6, 8, ranks);
  }

  /** Reports iterations, with a log line every second one and an evaluation at the fourth. */
  public static void report(MetricsSink sink, long from, long to) {
    for (long iteration = from; iteration <= to; iteration++) {
      sink.update(
          new UpdateMetrics(
              new RunPosition(iteration, 6, 2 * iteration, 2, 1e-3 / iteration, 2e-3),
              1.0 / iteration,
              null,
              0.25));
      if (iteration % 2 == 0) {
        sink.iteration(line(iteration));
      }
      if (iteration == 4) {
        sink.evaluation(new EvaluationMetrics("iteration 4", "validation", 4, 0.125));
      }
    }
  }

  private static IterationMetrics line(long iteration) {
    return new IterationMetrics(
        new RunPosition(iteration, 6, 2 * iteration, 2, 1e-3, 2e-3),
        new Speed(500, null, 100.0),
        new Losses(1.5, null, 1),
        new Norms(0.25, 7L, 3.5),
        new Skipped(0, 0),
        new Memory(100, 200));
  }
}
