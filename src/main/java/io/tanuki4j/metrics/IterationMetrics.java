package io.tanuki4j.metrics;

import org.jspecify.annotations.Nullable;

/**
 * One log interval, and where the run stands after it. Losses are means over the interval's
 * iterations whose update was not skipped; norms and zeros are those of its last iteration.
 *
 * @param millisPerIteration wall time without evaluations and saves
 * @param teraflopsPerDevice causal model FLOP/s by Megatron's formula, in TFLOP/s; null if not
 *     requested @param learningRate the one that the next iteration uses, as Megatron logs it
 * @param lmLoss mean cross entropy per token, nats
 * @param zLoss mean z-loss term per token; null without z-loss
 * @param gradNorm before clipping; 0 without clipping
 * @param numZeros zero elements of the gradient; null if not asked
 * @param paramsNorm null if not asked
 * @param skippedIterations whose gradient was not finite, so that the weights stayed as they were
 * @param nanIterations skipped ones whose loss was not finite
 * @param memory of this rank's device
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
    @Nullable Long numZeros,
    @Nullable Double paramsNorm,
    int skippedIterations,
    int nanIterations,
    Memory memory) {
  /** Bytes of tensors, and of tensors and workspaces. */
  public record Memory(long allocated, long reserved) {}
}
