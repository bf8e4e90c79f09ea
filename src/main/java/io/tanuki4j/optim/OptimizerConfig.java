package io.tanuki4j.optim;

/**
 * The settings of AdamW.
 *
 * @param clipGrad largest gradient norm; 0 for no clipping and no norm
 */
public record OptimizerConfig(double beta1, double beta2, double epsilon, double clipGrad) {}
