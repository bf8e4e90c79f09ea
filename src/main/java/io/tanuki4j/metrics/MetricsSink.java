package io.tanuki4j.metrics;

/** Where metrics go. A sink that fails warns; it never stops training. */
public interface MetricsSink extends AutoCloseable {
  void iteration(IterationMetrics metrics);

  void evaluation(EvaluationMetrics metrics);

  @Override
  void close();
}
