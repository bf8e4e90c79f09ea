package io.tanuki4j.metrics;

/**
 * Where a rank reports what it does and what it measures. Both are discarded on a rank that does
 * not report.
 */
public record Reports(RunLog log, MetricsSink metrics) {}
