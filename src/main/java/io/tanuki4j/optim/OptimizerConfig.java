package io.tanuki4j.optim;

import org.jspecify.annotations.Nullable;

/**
 * The settings of AdamW.
 *
 * @param clipGrad largest gradient norm; 0 for no clipping and no norm
 * @param lossScaling null if the loss is not scaled
 */
public record OptimizerConfig(
    double beta1,
    double beta2,
    double epsilon,
    double clipGrad,
    @Nullable LossScaling lossScaling) {
  /** Creates settings without a scaled loss. */
  public OptimizerConfig(double beta1, double beta2, double epsilon, double clipGrad) {
    this(beta1, beta2, epsilon, clipGrad, null);
  }
}
