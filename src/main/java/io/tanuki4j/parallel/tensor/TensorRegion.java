package io.tanuki4j.parallel.tensor;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;

/**
 * The stretch of a model in which the ranks of a tensor-parallel group work on parts of the same
 * layer, and the exchanges at its borders.
 *
 * <p>Inside, each rank has the whole sequence, and its part of the features or of the vocabulary.
 * Outside, every rank has the same hidden states. With sequence parallelism it has its shard of the
 * sequence instead, which is a block of rows since hidden states are {@code [s, b, h]}.
 *
 * <p>Entering gathers the sequence shards; leaving sums the partial results; each is the backward
 * of the other. Where the sequence is not split, whole and shard are the same tensor: entering does
 * nothing, and leaving is an all-reduce in place.
 */
public final class TensorRegion {
  private final ProcessGroup ranks;
  private final boolean splitsSequence;

  private TensorRegion(ProcessGroup ranks, boolean splitsSequence) {
    this.ranks = ranks;
    this.splitsSequence = splitsSequence;
  }

  /** Returns the region of a rank's tensor-parallel group. */
  public static TensorRegion of(ParallelContext context) {
    ProcessGroup ranks = context.tp();
    return new TensorRegion(ranks, context.dims().sequenceParallel() && ranks.size() > 1);
  }

  /** Returns whether, outside, each rank has a shard of the sequence. */
  boolean splitsSequence() {
    return splitsSequence;
  }

  /** Returns the ranks that have the parts. */
  ProcessGroup ranks() {
    return ranks;
  }

  /** Returns the shape, outside, of a tensor that is {@code [s, b, h]} inside. */
  Shape outside(long seqLength, long batchSize, long width) {
    return Shape.of(splitsSequence ? seqLength / ranks.size() : seqLength, batchSize, width);
  }

  /** Returns the values of this rank's tokens, outside, from the values of all tokens inside. */
  public int[] shard(int[] ofTokens) {
    if (!splitsSequence) {
      return ofTokens;
    }
    int length = ofTokens.length / ranks.size();
    return Arrays.copyOfRange(ofTokens, ranks.rank() * length, (ranks.rank() + 1) * length);
  }

  /**
   * Returns a place for the whole sequence that the shard is part of: the shard itself, or new
   * memory.
   */
  Tensor whole(Tensor shard, MemoryScope scope) {
    return splitsSequence
        ? scope.allocate(
            Shape.of(shard.dim(0) * ranks.size(), shard.dim(1), shard.dim(2)), shard.dtype())
        : shard;
  }

  /** Enters the region: fills whole with the shards of all ranks. */
  Work gather(Tensor whole, Tensor shard) {
    return splitsSequence ? ranks.allGather(whole, shard) : Work.DONE;
  }

  /**
   * Leaves the region: sums whole over the ranks; the shard is overwritten with its part of the
   * sum.
   */
  Work sum(Tensor shard, Tensor whole) {
    return splitsSequence
        ? ranks.reduceScatter(shard, whole, ReduceOp.SUM)
        : ranks.allReduce(whole, ReduceOp.SUM);
  }
}
