package io.tanuki4j.metrics;

import org.jspecify.annotations.Nullable;

/**
 * The means of one log interval, and where the run stands after it.
 *
 * @param millisPerIteration wall time without evaluations and saves
 * @param teraflopsPerDevice causal model FLOP/s by Megatron's formula, in TFLOP/s; null if not
 *     asked
 * @param learningRate the one that the next iteration uses, as Megatron logs it
 * @param lmLoss mean cross entropy per token, nats
 * @param zLoss mean z-loss term per token; null without z-loss
 * @param gradNorm before clipping; 0 without clipping
 * @param paramsNorm null if not asked
 */
public record IterationMetrics(
    long iteration,
    long trainIterations,
    long consumedSamples,
    double millisPerIteration,
    @Nullable Double teraflopsPerDevice,
    double learningRate,
    int globalBatchSize,
    double lmLoss,
    @Nullable Double zLoss,
    double lossScale,
    double gradNorm,
    @Nullable Double paramsNorm,
    int skippedIterations,
    int nanIterations) {}
