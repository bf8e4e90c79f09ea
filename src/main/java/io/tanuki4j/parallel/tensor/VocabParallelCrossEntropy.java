package io.tanuki4j.parallel.tensor;

import static io.tanuki4j.kernel.VocabParallelLossKernels.NUM_STATISTICS;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.nn.CrossEntropy;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * The loss where each rank has the logits of some ids. The ranks exchange two numbers per token
 * instead of logits, and each adds the losses of all tokens into its own sums.
 */
final class VocabParallelCrossEntropy implements CrossEntropy {
  private final VocabParallelLossKernels kernels;
  private final ProcessGroup ranks;
  private final long firstId;
  private final double zLoss;

  /**
   * @param firstId of this rank's ids
   * @param zLoss coefficient of the z-loss, 0 for none
   */
  VocabParallelCrossEntropy(
      VocabParallelLossKernels kernels, ProcessGroup ranks, long firstId, double zLoss) {
    this.kernels = kernels;
    this.ranks = ranks;
    this.firstId = firstId;
    this.zLoss = zLoss;
  }

  @Override
  public void forward(Tensor logits, Tensor targets, Tensor lossMask, Microbatch microbatch) {
    long numTokens = targets.numElements();
    DType dtype = logits.dtype().statisticsType();
    try (MemoryScope scratch = microbatch.scope().child("softmax statistics")) {
      Tensor all = scratch.allocate(Shape.of(ranks.size(), NUM_STATISTICS, numTokens), dtype);
      Tensor own = all.rows(ranks.rank(), ranks.rank() + 1);
      kernels.vocabParallelStatistics(own, logits, targets, firstId);
      ranks.allGather(all, own).await();
      kernels.vocabParallelLoss(microbatch.lossSums(), all, lossMask, zLoss);
      if (microbatch.training()) {
        Tensor gradScale = microbatch.gradScale();
        kernels.vocabParallelLossBackward(
            logits, all, targets, lossMask, gradScale, firstId, zLoss);
      }
    }
  }
}
