package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** LayerNorm (Ba, Kiros and Hinton, 2016) over the last dim. */
public interface LayerNormKernels {
  /** Statistics of a row: its mean, then 1 / its standard deviation. */
  int NUM_STATISTICS = 2;

  /**
   * Computes {@code rstd = 1 / sqrt(mean((x − mean)²) + epsilon)} and {@code out = (x − mean) ·
   * rstd · weight + bias}, rounded once.
   *
   * @param out {@code [t, h]}
   * @param statistics {@code [t, 2]}, F32 (F64 for F64 inputs), kept for the backward
   * @param x {@code [t, h]}
   * @param weight {@code [h]}
   * @param bias {@code [h]}
   */
  void layerNormForward(
      Tensor out, Tensor statistics, Tensor x, Tensor weight, Tensor bias, double epsilon);

  /**
   * Computes, with {@code u = dOut · weight} and {@code n = (x − mean) · rstd}, {@code dx =
   * (residual +) rstd · (u − mean(u) − n · mean(u · n))}. Adds the sums over tokens of {@code dOut
   * · n} and of dOut.
   *
   * @param dx {@code [t, h]}, overwritten; may be x or residual itself
   * @param dWeight {@code [h]}, F32 (F64 for F64) or the type of x, added to
   * @param dBias {@code [h]}, of the type of dWeight, added to
   * @param residual {@code [t, h]}, the gradient that flows past the norm; null for none
   */
  void layerNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor x,
      Tensor statistics,
      Tensor weight,
      @Nullable Tensor residual);
}
