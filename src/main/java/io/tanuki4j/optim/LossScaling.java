package io.tanuki4j.optim;

/**
 * How a loss is scaled before its backward, so that gradients in fp16 do not vanish (Micikevicius
 * et al., 2018), with Megatron's settings.
 *
 * @param initial scale of the first iteration
 * @param min the scale never falls below this
 * @param window updates in a row after which the scale doubles
 * @param hysteresis skipped updates, since the scale grew last, after which each halves it
 */
public record LossScaling(double initial, double min, double window, int hysteresis) {
  /** Returns a scale that stays. Gradients that are not finite are skipped all the same. */
  public static LossScaling constant(double scale) {
    return new LossScaling(scale, scale, Double.POSITIVE_INFINITY, 1);
  }

  /** Returns whether the scale stays whatever happens. */
  public boolean isConstant() {
    return initial == min && Double.isInfinite(window);
  }
}
