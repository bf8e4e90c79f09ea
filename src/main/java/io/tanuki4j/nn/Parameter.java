package io.tanuki4j.nn;

import io.tanuki4j.tensor.Tensor;

/**
 * A parameter in memory: views into {@link ParameterBuffers}.
 *
 * @param spec what it is
 * @param value in the type the model computes in
 * @param grad its gradient, F32 (F64 for gradient checks); backward passes add to it
 */
public record Parameter(ParameterSpec spec, Tensor value, Tensor grad) {
  public String name() {
    return spec.name();
  }
}
