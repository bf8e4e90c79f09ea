package io.tanuki4j.run;

import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.TimerMetrics;
import io.tanuki4j.parallel.Axis;
import io.tanuki4j.parallel.RankGrid;

/**
 * Who says what, as in Megatron: the first rank what is going on, the last rank, which knows the
 * loss, how training goes, and one rank of each part of the model what it holds.
 */
final class ReportingRanks implements MetricsSink {
  private final MetricsSink sink;
  private final boolean tells;
  private final boolean reports;
  private final boolean standsForPart;

  /**
   * @param sink closes with this
   */
  ReportingRanks(MetricsSink sink, RankGrid grid, int globalRank) {
    this.sink = sink;
    this.tells = globalRank == 0;
    this.reports = globalRank == grid.worldSize() - 1;
    this.standsForPart =
        grid.coordinate(globalRank, Axis.DP) == 0 && grid.coordinate(globalRank, Axis.CP) == 0;
  }

  @Override
  public void iteration(IterationMetrics metrics) {
    if (reports) {
      sink.iteration(metrics);
    }
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {
    if (reports) {
      sink.evaluation(metrics);
    }
  }

  @Override
  public void timers(TimerMetrics metrics) {
    if (reports) {
      sink.timers(metrics);
    }
  }

  @Override
  public void message(String line) {
    if (tells) {
      sink.message(line);
    }
  }

  @Override
  public void ofPart(String line) {
    if (standsForPart) {
      sink.message(line);
    }
  }

  @Override
  public void close() {
    sink.close();
  }
}
