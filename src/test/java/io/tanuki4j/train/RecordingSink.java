package io.tanuki4j.train;

import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.Reports;
import io.tanuki4j.metrics.RunLog;
import java.util.ArrayList;
import java.util.List;

/** Keeps everything, in order. */
final class RecordingSink implements MetricsSink, RunLog {
  final List<String> events = new ArrayList<>();
  final List<IterationMetrics> iterations = new ArrayList<>();
  final List<EvaluationMetrics> evaluations = new ArrayList<>();

  @Override
  public void iteration(IterationMetrics metrics) {
    events.add("log " + metrics.position().iteration());
    iterations.add(metrics);
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {
    events.add("evaluation at " + metrics.where());
    evaluations.add(metrics);
  }

  @Override
  public void message(String line) {
    events.add(line);
  }

  Reports reports() {
    return new Reports(this, this);
  }

  @Override
  public void close() {}
}
