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
   * Computes {@code norm = sqrt(sumOfSquares) / lossScale}, {@code factor = min(1, maxNorm / (norm
   * + 1e-6)) / lossScale}. A norm that is not finite gives a factor that is not a number.
   *
   * @param norm {@code [1]}, F64; may be sumOfSquares itself
   * @param factor {@code [1]}, F64
   * @param lossScale what the gradients were multiplied by
   */
  void clipFactor(
      Tensor norm, Tensor factor, Tensor sumOfSquares, double maxNorm, double lossScale);

  /**
   * Updates by AdamW (Loshchilov and Hutter, 2019) as Megatron runs it: with {@code g = factor ·
   * grad}, {@code m = β1·m + (1−β1)·g}, {@code v = β2·v + (1−β2)·g²}, {@code master −= lr · (m̂ /
   * (sqrt(v̂) + ε) + weightDecay · master)}, bias corrections in fp64. Then weight = master,
   * rounded. If the factor is not a number nothing changes, so a bad gradient never reaches the
   * weights.
   *
   * <p>Tensors of sixteen bits are rounded to nearest, except two that would then never move by a
   * small step. A master in BF16, which is the weight itself, and a secondMoment in BF16 are
   * rounded stochastically. For this, 16 random bits are added to the bits of the fp32 number, and
   * the lower half is cut off. The random bits come from Philox4x32-10 with key {@code iteration}
   * (low word first) and counter {@code (i / 4, low word; i / 4, high word; 1; 0)}. The low half of
   * word {@code i % 4} is for the master, the high half for the second moment of element i, counted
   * from the step's {@code firstElement}. Numbers that are not finite stay.
   *
   * @param weight {@code [k]} in the type the model computes in; may be master itself
   * @param master {@code [k]}, F32 (F64 for gradient checks), or BF16 and the weight itself
   * @param firstMoment {@code [k]}, F32 (F64) or BF16
   * @param secondMoment {@code [k]}, F32 (F64) or BF16
   * @param grad {@code [k]}, F32 (F64), BF16 or F16
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
   * @param firstElement the index of the tensors' first element for random bits, so that parts of a
   *     buffer give the same as the whole; a multiple of 4
   */
  record AdamWStep(
      double learningRate,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      long iteration,
      long firstElement) {}
}
