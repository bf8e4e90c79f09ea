package io.tanuki4j.metrics;

import org.jspecify.annotations.Nullable;

/**
 * The metrics of one iteration. Sinks receive iterations in order, but late: results are read back
 * from the device when a log line is due, or earlier.
 *
 * @param lmLoss mean cross entropy per token, nats
 * @param zLoss mean z-loss term per token; null without z-loss
 * @param gradNorm before clipping; 0 without clipping; null if the update was skipped for it
 */
public record UpdateMetrics(
    RunPosition position, double lmLoss, @Nullable Double zLoss, @Nullable Double gradNorm) {}
