package io.tanuki4j.parallel.tensor;

import static io.tanuki4j.kernel.MatmulKernels.Op.NONE;
import static io.tanuki4j.kernel.MatmulKernels.Op.TRANSPOSE;
import static io.tanuki4j.kernel.VocabParallelLossKernels.NUM_STATISTICS;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * The projection to the vocabulary, W {@code [v, h]}, together with the cross entropy, each rank
 * with the logits of some ids. It walks over chunks of tokens, so that only one chunk's logits
 * exist at a time.
 *
 * <p>There is no separate backward. While a chunk's logits exist, the forward of a training
 * micro-batch also computes both gradients from them: it replaces x by dX and adds dW. The caller
 * finds the gradient where the input was.
 */
public final class VocabParallelHead {
  /**
   * Large enough that reading and writing dW in fp32 once a chunk hides behind its product; small
   * next to the activations of the layers.
   */
  public static final int CHUNK_TOKENS = 4096;

  private final MatmulKernels kernels;
  private final Parameter weight;
  private final CrossEntropy loss;
  private final TensorRegion region;
  private final int chunkTokens;

  /**
   * @param weight this rank's rows of {@code [v, h]}
   * @param zLoss coefficient of the z-loss, 0 for none
   */
  public VocabParallelHead(Kernels kernels, Parameter weight, double zLoss, TensorRegion region) {
    this(kernels, weight, zLoss, region, CHUNK_TOKENS);
  }

  /**
   * @param chunkTokens tokens whose logits exist at once
   */
  VocabParallelHead(
      Kernels kernels, Parameter weight, double zLoss, TensorRegion region, int chunkTokens) {
    this.kernels = kernels.matmul();
    this.weight = weight;
    this.loss =
        region.ranks().size() == 1
            ? new FusedCrossEntropy(kernels.loss(), zLoss)
            : new VocabParallelCrossEntropy(
                kernels.vocabParallelLoss(), region.ranks(), weight.spec().firstRow(), zLoss);
    this.region = region;
    this.chunkTokens = chunkTokens;
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
      forwardWhole(wholeX, microbatch.withScope(scratch));
      if (microbatch.training()) {
        region.sum(x, wholeX, scratch).await();
      }
    }
  }

  /** Walks over the chunks of the whole sequence. */
  private void forwardWhole(Tensor x, Microbatch microbatch) {
    long numTokens = microbatch.tokens().numElements();
    Tensor rows = x.reshape(Shape.of(numTokens, x.dim(-1)));
    Tensor targets = microbatch.targets().reshape(Shape.of(numTokens));
    Tensor lossMask = microbatch.lossMask().reshape(Shape.of(numTokens));
    try (MemoryScope scratch = microbatch.scope().child("logits")) {
      long most = Math.min(numTokens, chunkTokens);
      Tensor logits = scratch.allocate(Shape.of(most, weight.value().dim(0)), x.dtype());
      for (long from = 0; from < numTokens; from += most) {
        long to = Math.min(numTokens, from + most);
        Chunk chunk =
            new Chunk(
                rows.rows(from, to),
                logits.rows(0, to - from),
                targets.rows(from, to),
                lossMask.rows(from, to),
                from == 0 ? microbatch.weightGrads() : Accumulate.ADD);
        forward(chunk, microbatch.withScope(scratch));
      }
    }
  }

  /**
   * Computes logits.
   *
   * @param out {@code [b, v]}, of this rank's ids
   * @param x {@code [b, h]}
   */
  public void logits(Tensor out, Tensor x) {
    kernels.matmul(out, x, NONE, weight.value(), TRANSPOSE, Accumulate.OVERWRITE);
  }

  public Parameter weight() {
    return weight;
  }

  private void forward(Chunk chunk, Microbatch microbatch) {
    Tensor logits = chunk.logits();
    logits(logits, chunk.x());
    loss.forward(logits, chunk.targets(), chunk.lossMask(), microbatch);
    if (!microbatch.training()) {
      return;
    }
    kernels.matmul(weight.grad(), logits, TRANSPOSE, chunk.x(), NONE, chunk.weightGrads());
    kernels.matmul(chunk.x(), logits, NONE, weight.value(), NONE, Accumulate.OVERWRITE);
  }

  /** Some tokens: {@code [c, h]}, {@code [c, v]}, {@code [c]}, {@code [c]}. */
  private record Chunk(
      Tensor x, Tensor logits, Tensor targets, Tensor lossMask, Accumulate weightGrads) {}

  /** The loss of tokens by their logits, together with its gradient. */
  @FunctionalInterface
  private interface CrossEntropy {
    /**
     * Adds the losses into the micro-batch's sums and, in training, replaces the logits by their
     * gradient.
     *
     * @param logits {@code [c, v]}, of some of the micro-batch's tokens
     * @param targets {@code [c]}, I32
     * @param lossMask {@code [c]}, F32
     */
    void forward(Tensor logits, Tensor targets, Tensor lossMask, Microbatch microbatch);
  }

  /**
   * Computes loss and gradient in one operation, where this rank has the logits of the whole
   * vocabulary.
   */
  private record FusedCrossEntropy(LossKernels kernels, double zLoss) implements CrossEntropy {
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

  /**
   * The loss where each rank has the logits of some ids. The ranks exchange two numbers per token
   * instead of logits, and each adds the losses of all tokens into its own sums.
   *
   * @param firstId of this rank's ids
   */
  private record VocabParallelCrossEntropy(
      VocabParallelLossKernels kernels, ProcessGroup ranks, long firstId, double zLoss)
      implements CrossEntropy {
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
