package io.tanuki4j.nn;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.tensor.Tensor;

/**
 * Computes loss and gradient in one operation, where this rank has the logits of the whole
 * vocabulary.
 */
public final class FusedCrossEntropy implements CrossEntropy {
  private final LossKernels kernels;
  private final double zLoss;

  /**
   * @param zLoss coefficient of the z-loss, 0 for none
   */
  public FusedCrossEntropy(LossKernels kernels, double zLoss) {
    this.kernels = kernels;
    this.zLoss = zLoss;
  }

  @Override
  public void forward(Tensor logits, Tensor targets, Tensor lossMask, Microbatch microbatch) {
    Tensor sums = microbatch.lossSums();
    if (microbatch.training()) {
      kernels.crossEntropyForwardBackward(
          sums, logits, targets, lossMask, microbatch.gradScale(), zLoss);
    } else {
      kernels.crossEntropyForward(sums, logits, targets, lossMask, zLoss);
    }
  }
}
