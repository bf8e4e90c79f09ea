package io.tanuki4j.config;

import io.tanuki4j.tensor.DType;

/**
 * The types of training.
 *
 * @param compute weights and activations
 * @param gradients main gradients
 * @param master the copy of the weights that the optimizer updates
 */
public record Precision(DType compute, DType gradients, DType master) {
  public static final Precision FP32 = new Precision(DType.F32, DType.F32, DType.F32);
}
