package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/** The update of flat parameter buffers; the norm and the clip factor stay on the device. */
public interface OptimizerKernels {
  /**
   * Adds the sum of x² into out.
   *
   * @param out {@code [1]}, F64
   */
  void sumOfSquares(Tensor out, Tensor x);

  /**
   * {@code norm = sqrt(sumOfSquares)}, {@code factor = min(1, maxNorm / (norm + 1e-6))}. A norm
   * that is not finite gives a factor that is not a number.
   *
   * @param norm {@code [1]}, F64; may be sumOfSquares itself
   * @param factor {@code [1]}, F64
   */
  void clipFactor(Tensor norm, Tensor factor, Tensor sumOfSquares, double maxNorm);

  /**
   * AdamW (Loshchilov and Hutter, 2019) as Megatron runs it: with {@code g = factor · grad}, {@code
   * m = β1·m + (1−β1)·g}, {@code v = β2·v + (1−β2)·g²}, {@code master −= lr · (m̂ / (sqrt(v̂) + ε)
   * + weightDecay · master)}, bias corrections in fp64. Then weight = master, rounded. If the
   * factor is not a number nothing changes, so a bad gradient never reaches the weights.
   *
   * @param weight {@code [k]} in the type the model computes in; may be master itself
   * @param master {@code [k]}, F32 (F64 for gradient checks)
   * @param firstMoment {@code [k]}
   * @param secondMoment {@code [k]}
   * @param grad {@code [k]}
   * @param factor {@code [1]}, F64
   */
  void adamW(
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad,
      Tensor factor,
      AdamWStep step);

  /**
   * The numbers of one update.
   *
   * @param iteration counts from 1, for the bias corrections
   */
  record AdamWStep(
      double learningRate,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      long iteration) {}
}
