package io.tanuki4j.parallel.context;

import io.tanuki4j.kernel.AttentionBlock;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * The attention of one rank's queries, a block of keys at a time: first {@link #own}, the others in
 * any order, {@link #finish} at the end. What was seen so far is kept in fp32.
 */
final class RunningAttention {
  private final Kernels kernels;
  private final AttentionShape shape;
  private final int rank;
  private final AttentionCore.Saved saved;
  private final Tensor sum;
  private final Tensor partLogSumExp;

  /**
   * @param shape sizes of the rank's projection
   * @param saved of which out and logSumExp are to be written; until the end out serves for the
   *     results of blocks
   * @param scratch for as long as this is used
   */
  RunningAttention(
      Kernels kernels,
      AttentionShape shape,
      int rank,
      AttentionCore.Saved saved,
      MemoryScope scratch) {
    this.kernels = kernels;
    this.shape = shape;
    this.rank = rank;
    this.saved = saved;
    Tensor logSumExp = saved.logSumExp();
    this.sum = scratch.allocate(saved.out().shape(), logSumExp.dtype());
    this.partLogSumExp = scratch.allocate(Shape.of(logSumExp.numElements()), logSumExp.dtype());
  }

  AttentionShape shape() {
    return shape;
  }

  /** The rank's own projection, {@code [s, b, (n + 2g)·d]}. */
  Tensor qkv() {
    return saved.qkv();
  }

  /** Attends to the rank's own keys: the order of its tokens is that of the sequence. */
  void own() {
    kernels.attention().causalAttentionForward(saved.out(), saved.logSumExp(), saved.qkv(), shape);
    kernels.elementwise().copy(sum, saved.out());
  }

  /**
   * Attends to the keys of another rank.
   *
   * @param keyValues all that the owner has, {@code [s, b, 2g·d]}
   */
  void other(int owner, Tensor keyValues) {
    ZigzagBlock block = new ZigzagBlock(shape, rank, owner);
    AttentionBlock sizes = block.sizes();
    Tensor out = block.queries(saved.out());
    Tensor logSumExp = partLogSumExp(sizes.queries());
    kernels
        .attention()
        .blockAttentionForward(
            out, logSumExp, block.queries(saved.qkv()), block.keys(keyValues), sizes);
    kernels.attention().mergeAttention(sum, saved.logSumExp(), out, logSumExp, shape);
  }

  private Tensor partLogSumExp(AttentionShape queries) {
    Shape part = Shape.of(queries.batchSize(), queries.numHeads(), queries.seqLength());
    return partLogSumExp.rows(0, part.numElements()).reshape(part);
  }

  void finish() {
    kernels.elementwise().copy(saved.out(), sum);
  }
}
