package io.tanuki4j.backend.nd4j;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.point;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Cross entropy over a part of the vocabulary. */
final class Nd4jVocabParallelLoss implements VocabParallelLossKernels {
  @Override
  public void vocabParallelStatistics(
      Tensor statistics, Tensor logits, Tensor targets, long firstId) {
    CallChecks.vocabParallelStatistics(statistics, logits, targets);
    INDArray x = TensorArrays.matrix(logits);
    INDArray targetLogits = TokenLosses.targetLogits(x, TokenLosses.columns(targets, firstId));
    TensorArrays.put(statistics, Nd4j.concat(0, logSumExp(x), targetLogits));
  }

  @Override
  public void vocabParallelLoss(Tensor sums, Tensor statistics, Tensor lossMask, double zLoss) {
    CallChecks.lossSums(sums);
    INDArray mask = TensorArrays.column(lossMask);
    INDArray logZ = logSumExp(statistic(statistics, 0, lossMask));
    INDArray targetLogits = statistic(statistics, 1, lossMask).sum(true, 1);
    TokenLosses.clearMasked(logZ, mask);
    TokenLosses.clearMasked(targetLogits, mask);
    TokenLosses.add(sums, mask, logZ, targetLogits, zLoss);
  }

  @Override
  public void vocabParallelLossBackward(
      Tensor logits,
      Tensor statistics,
      Tensor targets,
      Tensor lossMask,
      Tensor gradScale,
      long firstId,
      double zLoss) {
    CallChecks.gradScale(gradScale);
    CallChecks.tokens(logits, targets, lossMask);
    Expect.sumType("statistics of vocabParallelLoss", statistics, logits);
    INDArray mask = TensorArrays.column(lossMask);
    INDArray x = TensorArrays.matrix(logits);
    INDArray logZ = logSumExp(statistic(statistics, 0, lossMask));
    TokenLosses.clearMasked(x, mask);
    TokenLosses.clearMasked(logZ, mask);
    INDArray p = Transforms.exp(x.sub(logZ));
    long[] columns = TokenLosses.columns(targets, firstId);
    INDArray weight = mask.mul(TensorArrays.scalar(gradScale));
    TensorArrays.put(logits, TokenLosses.gradient(p, logZ, columns, weight, zLoss));
  }

  /** Returns a statistic of all parts, {@code [t, parts]}. */
  private static INDArray statistic(Tensor statistics, int index, Tensor lossMask) {
    long parts = CallChecks.vocabParallelParts(statistics, lossMask);
    return TensorArrays.of(statistics)
        .reshape(parts, NUM_STATISTICS, lossMask.numElements())
        .get(all(), point(index), all())
        .dup('c')
        .reshape(parts, lossMask.numElements())
        .transpose();
  }

  private static INDArray logSumExp(INDArray x) {
    INDArray max = x.max(true, 1);
    return max.add(Transforms.log(Transforms.exp(x.sub(max)).sum(true, 1)));
  }
}
