package io.tanuki4j.kernel;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

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
   * @param cos {@code [rows, rotaryDim/2]}, F32 (F64 for F64)
   * @param sin like cos
   * @param rows {@code [s, b]}, I32: the row of cos and sin that belongs to each token. Null if row
   *     i belongs to the i-th token of every sequence; then there are s rows
   */
  void ropeForward(Tensor qkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape);

  /** Rotates where row i of the tables belongs to the i-th token of every sequence. */
  default void ropeForward(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
    ropeForward(qkv, cos, sin, null, shape);
  }

  /** Rotates by the opposite angle, in place on the gradient of the rotated projection. */
  void ropeBackward(
      Tensor dQkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape);

  /** Rotates back where row i of the tables belongs to the i-th token of every sequence. */
  default void ropeBackward(Tensor dQkv, Tensor cos, Tensor sin, AttentionShape shape) {
    ropeBackward(dQkv, cos, sin, null, shape);
  }
}
