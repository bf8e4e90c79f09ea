package io.tanuki4j.parallel.tensor;

import static io.tanuki4j.kernel.VocabParallelLossKernels.NUM_STATISTICS;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.OutputHead;
import io.tanuki4j.nn.OutputHead.CrossEntropy;
import io.tanuki4j.nn.OutputHead.FusedCrossEntropy;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * The projection to the vocabulary together with the cross entropy, each rank with the logits of
 * some ids. As in {@link OutputHead} there is no separate backward.
 */
public final class VocabParallelHead {
  private final OutputHead head;
  private final TensorRegion region;

  /**
   * @param weight this rank's rows of {@code [v, h]}
   * @param zLoss coefficient of the z-loss, 0 for none
   */
  public VocabParallelHead(Kernels kernels, Parameter weight, double zLoss, TensorRegion region) {
    this(kernels, weight, zLoss, region, OutputHead.CHUNK_TOKENS);
  }

  VocabParallelHead(
      Kernels kernels, Parameter weight, double zLoss, TensorRegion region, int chunkTokens) {
    this.head =
        new OutputHead(kernels.matmul(), weight, loss(kernels, weight, zLoss, region), chunkTokens);
    this.region = region;
  }

  private static CrossEntropy loss(
      Kernels kernels, Parameter weight, double zLoss, TensorRegion region) {
    return region.ranks().size() == 1
        ? new FusedCrossEntropy(kernels.loss(), zLoss)
        : new VocabParallelCrossEntropy(
            kernels.vocabParallelLoss(), region.ranks(), weight.spec().firstRow(), zLoss);
  }

  /**
   * Adds the losses of all tokens into the micro-batch's sums, the same on every rank.
   *
   * @param x {@code [s, b, h]}, this rank's shard; in training it becomes the gradient of itself
   */
  public void forward(Tensor x, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("gathered input")) {
      Tensor wholeX = region.whole(x, scratch);
      region.gather(wholeX, x).await();
      head.forward(wholeX, microbatch.withScope(scratch));
      if (microbatch.training()) {
        region.sum(x, wholeX, scratch).await();
      }
    }
  }

  /**
   * @param out {@code [b, v]}, of this rank's ids
   * @param x {@code [b, h]}
   */
  public void logits(Tensor out, Tensor x) {
    head.logits(out, x);
  }

  public Parameter weight() {
    return head.weight();
  }

  /**
   * The loss where each rank has the logits of some ids. The ranks exchange two numbers per token
   * instead of logits, and each adds the losses of all tokens into its own sums.
   */
  static final class VocabParallelCrossEntropy implements CrossEntropy {
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
}
