package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/** SwiGLU (Shazeer, 2020): {@code silu(gate) · up} with {@code silu(x) = x / (1 + exp(−x))}. */
public interface ActivationKernels {
  /**
   * Computes SwiGLU.
   *
   * @param out {@code [t, f]}
   * @param gateUp {@code [t, 2f]}: the gate, then up
   */
  void swiGluForward(Tensor out, Tensor gateUp);

  /**
   * Overwrites dGateUp.
   *
   * @param dGateUp {@code [t, 2f]}; may be gateUp itself
   * @param dOut {@code [t, f]}
   */
  void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp);
}
