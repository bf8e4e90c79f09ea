package io.tanuki4j.metrics;

import org.jspecify.annotations.Nullable;

/**
 * One log interval, and where the run stands after it. Losses are means over the interval's
 * iterations whose update was not skipped; norms and zeros are those of its last iteration.
 *
 * @param millisPerIteration wall time without evaluations and saves
 * @param teraflopsPerDevice causal model FLOP/s by Megatron's formula, in TFLOP/s; null if not
 *     requested
 * @param joulesPerDevice energy of an iteration on one device, the mean over all; null if not
 *     measured
 * @param learningRate the one that the next iteration uses, as Megatron logs it
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
    @Nullable Double joulesPerDevice,
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
  private static final double MILLIS = 1e3;

  /** Returns the mean power of a device, in watts; null if not measured. */
  public @Nullable Double wattsPerDevice() {
    return joulesPerDevice == null ? null : joulesPerDevice / millisPerIteration * MILLIS;
  }

  /** Bytes of tensors, and of tensors and workspaces. */
  public record Memory(long allocated, long reserved) {}
}
