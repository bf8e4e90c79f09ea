package io.tanuki4j.metrics;

/**
 * Where a run stands after an iteration.
 *
 * @param consumedSamples by this run after the iteration
 * @param globalBatchSize samples of the iteration
 * @param learningRate the one that the next iteration uses, as Megatron logs it
 */
public record RunPosition(
    long iteration,
    long trainIterations,
    long consumedSamples,
    int globalBatchSize,
    double learningRate) {}
