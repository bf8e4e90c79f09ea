package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/**
 * Rotary position embedding (Su et al., 2021), half-split as in Llama: the pair of element j is
 * element {@code j + rotaryDim/2} of the same head. Elements from rotaryDim on pass unchanged.
 */
public interface RopeKernels {
  /**
   * Rotates every query and key head of qkv in place: {@code (x1, x2) → (x1·cos − x2·sin, x2·cos +
   * x1·sin)}. Value heads are left alone. Products in at least fp32, rounded once.
   *
   * @param qkv {@code [s, b, (n + 2g)·d]}
   * @param cos {@code [s, rotaryDim/2]}, F32 (F64 for F64); row i belongs to the i-th local token
   *     of the sequence
   * @param sin like cos
   */
  void ropeForward(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape);

  /** Rotates by the opposite angle, in place on the gradient of the rotated projection. */
  void ropeBackward(Tensor dQkv, Tensor cos, Tensor sin, AttentionShape shape);
}
