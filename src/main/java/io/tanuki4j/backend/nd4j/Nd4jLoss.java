package io.tanuki4j.backend.nd4j;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Cross entropy over the whole vocabulary. */
final class Nd4jLoss implements LossKernels {
  @Override
  public void crossEntropyForward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, double zLoss) {
    run(sums, logits, targets, lossMask, null, zLoss);
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, Tensor gradScale, double zLoss) {
    CallChecks.gradScale(gradScale);
    run(sums, logits, targets, lossMask, gradScale, zLoss);
  }

  private static void run(
      Tensor sums,
      Tensor logits,
      Tensor targets,
      Tensor lossMask,
      @Nullable Tensor gradScale,
      double zLoss) {
    CallChecks.lossSums(sums);
    CallChecks.tokens(logits, targets, lossMask);
    INDArray mask = TensorArrays.column(lossMask);
    INDArray x = TensorArrays.matrix(logits);
    long[] columns = TokenLosses.columns(targets, 0);
    TokenLosses.requireHere(columns, mask, x);
    TokenLosses.clearMasked(x, mask);
    INDArray max = x.max(true, 1);
    INDArray exponentials = Transforms.exp(x.sub(max));
    INDArray sum = exponentials.sum(true, 1);
    INDArray logZ = max.add(Transforms.log(sum));
    TokenLosses.add(sums, mask, logZ, TokenLosses.targetLogits(x, columns), zLoss);
    if (gradScale != null) {
      INDArray p = exponentials.div(sum);
      INDArray weight = mask.mul(TensorArrays.scalar(gradScale));
      TensorArrays.put(logits, TokenLosses.gradient(p, logZ, columns, weight, zLoss));
    }
  }
}
