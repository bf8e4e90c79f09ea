package io.tanuki4j.metrics;

import org.jspecify.annotations.Nullable;

/**
 * Where a run stands after an iteration.
 *
 * @param consumedSamples by this run after the iteration
 * @param globalBatchSize samples of the iteration
 * @param learningRate the one that the next iteration uses, as Megatron logs it
 * @param decoupledLearningRate that of the embedding and of the output; null if they have none
 */
public record RunPosition(
    long iteration,
    long trainIterations,
    long consumedSamples,
    int globalBatchSize,
    double learningRate,
    @Nullable Double decoupledLearningRate) {}
