package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** RMSNorm (Zhang and Sennrich, 2019) over the last dim. */
public interface NormKernels {
  /**
   * Computes {@code rstd = 1 / sqrt(mean(x²) + epsilon)}, {@code out = x · rstd · weight}, rounded
   * once.
   *
   * @param out {@code [t, h]}
   * @param rstd {@code [t]}, F32 (F64 for F64 inputs), kept for the backward
   * @param x {@code [t, h]}
   * @param weight {@code [h]}
   */
  void rmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight, double epsilon);

  /**
   * Computes {@code sum = x + delta}, then {@link #rmsNormForward} of the (rounded) sum.
   *
   * @param sum {@code [t, h]}; may be {@code x} or {@code delta} itself
   */
  void addRmsNormForward(
      Tensor sum, Tensor out, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon);

  /**
   * Computes, with {@code u = dOut · weight}, {@code dx = (residual +) rstd · (u − x · rstd² ·
   * mean(u · x))}. Adds {@code sum over tokens of dOut · x · rstd} into dWeight.
   *
   * @param dx {@code [t, h]}, overwritten; may be x or residual itself
   * @param dWeight {@code [h]}, F32 (F64 for F64) or the type of x, added to
   * @param residual {@code [t, h]}, the gradient that flows past the norm; null for none
   */
  void rmsNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor rstd,
      Tensor weight,
      @Nullable Tensor residual);
}
