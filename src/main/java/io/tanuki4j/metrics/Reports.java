package io.tanuki4j.metrics;

/**
 * Where a rank says what it does and what it measures; either goes nowhere on a rank that is not
 * asked.
 */
public record Reports(RunLog log, MetricsSink metrics) {}
