package io.tanuki4j.metrics;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What sinks know of a run before its first iteration.
 *
 * @param arguments every flag under Megatron's attribute name
 * @param startIteration the run continues after it; 0 for a new run
 * @param seqLength tokens of a sample
 * @param numRanks devices that share the work
 * @param flopsPerSample of forward and backward as Megatron counts them, on one device
 */
public record RunInfo(
    Map<String, @Nullable Object> arguments,
    long startIteration,
    long startSamples,
    long trainIterations,
    int seqLength,
    int numRanks,
    double flopsPerSample) {}
