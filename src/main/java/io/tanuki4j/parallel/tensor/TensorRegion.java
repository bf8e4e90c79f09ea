package io.tanuki4j.parallel.tensor;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
 *
 * <p>Where the sequence is split, products at the borders can go shard by shard, so that a rank
 * computes with one shard while the next is on its way (Wang et al., 2023, "Overlap communication
 * with dependent computation via decomposition").
 */
public final class TensorRegion {
  private final ProcessGroup ranks;
  private final ElementwiseKernels kernels;
  private final boolean splitsSequence;
  private final boolean goesByShards;

  private TensorRegion(
      ProcessGroup ranks,
      ElementwiseKernels kernels,
      boolean splitsSequence,
      boolean goesByShards) {
    this.ranks = ranks;
    this.kernels = kernels;
    this.splitsSequence = splitsSequence;
    this.goesByShards = goesByShards;
  }

  /**
   * Returns the region of a rank's tensor-parallel group.
   *
   * @param overlaps whether products at the borders go shard by shard, where the sequence is split
   */
  public static TensorRegion of(
      ParallelContext context, ElementwiseKernels kernels, boolean overlaps) {
    ProcessGroup ranks = context.tp();
    boolean splits = context.dims().sequenceParallel() && ranks.size() > 1;
    return new TensorRegion(ranks, kernels, splits, splits && overlaps);
  }

  /** Work on some rows of the sequence. */
  @FunctionalInterface
  interface RowsWork {
    /**
     * Does the work.
     *
     * @param rows read on entering, written on leaving
     * @param from the first of them in the sequence
     * @param to the row behind the last
     */
    void run(Tensor rows, long from, long to);
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
    if (!goesByShards) {
      return splitsSequence ? ranks.allGather(whole, shard) : Work.DONE;
    }
    List<Work> arriving = exchangeShards(whole, shard, shard);
    return () -> arriving.forEach(Work::await);
  }

  private List<Work> exchangeShards(Tensor whole, Tensor shard, @Nullable Tensor own) {
    List<Work> arriving = new ArrayList<>();
    for (int step = 1; step < ranks.size(); step++) {
      arriving.add(exchange(step, shard, whole, own));
    }
    return arriving;
  }

  /**
   * Sends a tensor to the rank that is so far behind this one, and receives the opposite shard.
   *
   * @param own this rank's shard if it is to get to its place, too: with the last step, next to
   *     computation; else null
   */
  private Work exchange(int step, Tensor sent, Tensor whole, @Nullable Tensor own) {
    List<Send> sends = new ArrayList<>(List.of(new Send(sent, after(step))));
    List<Recv> recvs =
        new ArrayList<>(List.of(new Recv(shardOf(whole, before(step)), before(step))));
    if (own != null && step == ranks.size() - 1) {
      sends.add(new Send(own, ranks.rank()));
      recvs.add(new Recv(shardOf(whole, ranks.rank()), ranks.rank()));
    }
    return ranks.exchange(sends, recvs);
  }

  /**
   * Leaves the region: sums whole over the ranks; the shard is overwritten with its part of the
   * sum.
   *
   * @param scratch memory until the work has been awaited
   */
  Work sum(Tensor shard, Tensor whole, MemoryScope scratch) {
    if (!goesByShards) {
      return splitsSequence
          ? ranks.reduceScatter(shard, whole, ReduceOp.SUM)
          : ranks.allReduce(whole, ReduceOp.SUM);
    }
    Tensor parts = whole(shard, scratch);
    List<Work> arriving = new ArrayList<>();
    for (int step = 1; step < ranks.size(); step++) {
      Tensor own = shardOf(whole, ranks.rank());
      arriving.add(exchange(step, shardOf(whole, after(step)), parts, own));
    }
    return () -> {
      arriving.forEach(Work::await);
      kernels.sumParts(shard, parts);
    };
  }

  /**
   * Enters the region with work on the sequence: at once, or on this rank's shard first, and on
   * each other one when it has arrived.
   *
   * @param whole of {@link #whole}; work by shards does not fill this rank's own place
   */
  void enter(Tensor whole, Tensor shard, RowsWork work) {
    enter(whole, shard, /* own= */ null, work);
  }

  /** Enters the region with work on the sequence, and fills all of whole. */
  void enterAndFill(Tensor whole, Tensor shard, RowsWork work) {
    enter(whole, shard, shard, work);
  }

  private void enter(Tensor whole, Tensor shard, @Nullable Tensor own, RowsWork work) {
    if (!goesByShards) {
      gather(whole, shard).await();
      work.run(whole, 0, whole.dim(0));
      return;
    }
    List<Work> arriving = exchangeShards(whole, shard, own);
    run(work, shard, ranks.rank());
    for (int step = 1; step < ranks.size(); step++) {
      arriving.get(step - 1).await();
      run(work, shardOf(whole, before(step)), before(step));
    }
  }

  /**
   * Leaves the region with work that writes this rank's part of a sum: at once, or by shards, each
   * of which goes to its rank while the next is computed, this rank's own last. Those sums are made
   * in the order of the ranks.
   *
   * @param shard overwritten with its part of the sum
   */
  void leave(Tensor shard, MemoryScope scratch, RowsWork work) {
    Tensor parts = whole(shard, scratch);
    if (!goesByShards) {
      work.run(parts, 0, parts.dim(0));
      sum(shard, parts, scratch).await();
      return;
    }
    Tensor leaving = whole(shard, scratch);
    List<Work> exchanges = new ArrayList<>();
    for (int step = 1; step < ranks.size(); step++) {
      Tensor product = shardOf(leaving, after(step));
      run(work, product, after(step));
      exchanges.add(exchange(step, product, parts, /* own= */ null));
    }
    run(work, shardOf(parts, ranks.rank()), ranks.rank());
    exchanges.forEach(Work::await);
    kernels.sumParts(shard, parts);
  }

  private void run(RowsWork work, Tensor rows, int owner) {
    work.run(rows, owner * rows.dim(0), (owner + 1) * rows.dim(0));
  }

  private int after(int step) {
    return (ranks.rank() + step) % ranks.size();
  }

  private int before(int step) {
    return Math.floorMod(ranks.rank() - step, ranks.size());
  }

  /** Returns the rows that a rank has outside. */
  private Tensor shardOf(Tensor whole, int rank) {
    long length = whole.dim(0) / ranks.size();
    return whole.rows(rank * length, (rank + 1) * length);
  }
}
