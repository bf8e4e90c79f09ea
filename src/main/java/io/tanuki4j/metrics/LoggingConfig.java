package io.tanuki4j.metrics;

/**
 * @param logInterval iterations per iteration line
 * @param logThroughput whether the line has TFLOP/s
 */
public record LoggingConfig(
    int logInterval, boolean logThroughput, boolean logParamsNorm, boolean logNumZeros) {}
