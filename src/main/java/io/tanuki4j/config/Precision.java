package io.tanuki4j.config;

import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.tensor.DType;

/**
 * The types of training.
 *
 * @param compute weights and activations
 * @param gradients main gradients
 * @param state the copy of the weights that the optimizer updates, and its moments
 */
public record Precision(DType compute, DType gradients, StateTypes state) {
  public static final Precision FP32 =
      new Precision(DType.F32, DType.F32, StateTypes.wide(DType.F32));
}
