package io.tanuki4j.metrics;

import org.jspecify.annotations.Nullable;

/**
 * One log interval, and where the run stands after it. Losses are means over the interval's
 * iterations whose update was not skipped; norms and zeros are those of its last iteration.
 *
 * @param memory of this rank's device
 */
public record IterationMetrics(
    RunPosition position, Speed speed, Losses losses, Norms norms, Skipped skipped, Memory memory) {

  /**
   * How fast the interval was.
   *
   * @param millisPerIteration wall time without evaluations and saves
   * @param teraflopsPerDevice causal model FLOP/s by Megatron's formula, in TFLOP/s; null if not
   *     requested
   * @param joulesPerDevice energy of an iteration on one device, the mean over all; null if not
   *     measured
   */
  public record Speed(
      double millisPerIteration,
      @Nullable Double teraflopsPerDevice,
      @Nullable Double joulesPerDevice) {
    private static final double MILLIS = 1e3;

    /** Returns the mean power of a device, in watts; null if not measured. */
    public @Nullable Double wattsPerDevice() {
      return joulesPerDevice == null ? null : joulesPerDevice / millisPerIteration * MILLIS;
    }
  }

  /**
   * Losses per token.
   *
   * @param lm mean cross entropy, nats
   * @param z mean z-loss term; null without z-loss
   * @param scale of the next iteration's loss; 1 unless it is scaled
   */
  public record Losses(double lm, @Nullable Double z, double scale) {}

  /**
   * Norms of the whole model.
   *
   * @param grad before clipping; 0 without clipping; null if the update was skipped for it
   * @param gradZeros zero elements of the gradient; null if not asked
   * @param params null if not asked
   */
  public record Norms(@Nullable Double grad, @Nullable Long gradZeros, @Nullable Double params) {}

  /**
   * Iterations of the interval that changed nothing.
   *
   * @param iterations whose gradient was not finite, so that the weights stayed as they were
   * @param nanIterations of them those whose loss was not finite
   */
  public record Skipped(int iterations, int nanIterations) {}

  /** Bytes of tensors, and of tensors and workspaces. */
  public record Memory(long allocated, long reserved) {}
}
