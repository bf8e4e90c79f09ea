package io.tanuki4j.comm;

import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A collective call, the same on all ranks of a group: what the ranks must agree on, and what the
 * call sends.
 *
 * @param numElements of the whole tensor: the sum, or all shards together
 * @param op the operation of a reduction; null otherwise
 * @param root the root of a broadcast; 0 otherwise
 */
public record Collective(
    Kind kind, DType dtype, long numElements, @Nullable ReduceOp op, int root) {
  /** The operations. */
  public enum Kind {
    ALL_REDUCE,
    ALL_GATHER,
    REDUCE_SCATTER,
    BROADCAST,
    BARRIER;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  public static final Collective BARRIER = new Collective(Kind.BARRIER, DType.I32, 0, null, 0);

  public static Collective allReduce(Tensor inOut, ReduceOp op) {
    return new Collective(Kind.ALL_REDUCE, inOut.dtype(), inOut.numElements(), op, 0);
  }

  /**
   * Describes an all-gather.
   *
   * @throws IllegalArgumentException if the shards do not fill the output
   */
  public static Collective allGather(Tensor out, Tensor shard, Members members) {
    requireShard(Kind.ALL_GATHER, out, shard, members);
    return new Collective(Kind.ALL_GATHER, out.dtype(), out.numElements(), null, 0);
  }

  /**
   * Describes a reduce-scatter.
   *
   * @throws IllegalArgumentException if the shards are not the whole input
   */
  public static Collective reduceScatter(Tensor shard, Tensor in, ReduceOp op, Members members) {
    requireShard(Kind.REDUCE_SCATTER, in, shard, members);
    return new Collective(Kind.REDUCE_SCATTER, in.dtype(), in.numElements(), op, 0);
  }

  /**
   * Describes a broadcast.
   *
   * @throws IllegalArgumentException if the group has no such rank
   */
  public static Collective broadcast(Tensor inOut, int root, Members members) {
    members.requireRank("root of broadcast", root);
    return new Collective(Kind.BROADCAST, inOut.dtype(), inOut.numElements(), null, root);
  }

  private static void requireShard(Kind kind, Tensor whole, Tensor shard, Members members) {
    if (whole.dtype() != shard.dtype()
        || whole.numElements() != members.size() * shard.numElements()) {
      throw new IllegalArgumentException(
          "%s on group \"%s\" of %d ranks: %s of shards %s (expected: the same type, and %d times as many elements)"
              .formatted(kind, members.name(), members.size(), whole, shard, members.size()));
    }
  }

  /**
   * Returns the first element of a rank's part of the tensor: the shard it sums or contributes.
   * Part {@code size} begins where the tensor ends.
   */
  public long partStart(int rank, int size) {
    return numElements * rank / size;
  }

  /**
   * Returns the bytes that one rank sends to others. For a sum: each part to the rank that sums it,
   * and the sum of its own part to every rank; a ring sends as much. For a broadcast: everything
   * from the root to every rank.
   */
  public long bytesSent(int rank, int size) {
    long own = partStart(rank + 1, size) - partStart(rank, size);
    long elements =
        switch (kind) {
          case ALL_REDUCE -> numElements - own + (size - 1) * own;
          case REDUCE_SCATTER -> numElements - own;
          case ALL_GATHER -> (size - 1) * own;
          case BROADCAST -> rank == root ? (size - 1) * numElements : 0;
          case BARRIER -> 0;
        };
    return elements * dtype.bytes();
  }

  /** Returns a description, for example {@code all-reduce (max) of 4096 F32}. */
  @Override
  public String toString() {
    return switch (kind) {
      case BARRIER -> kind.toString();
      case BROADCAST -> "%s from rank %d of %d %s".formatted(kind, root, numElements, dtype);
      case ALL_GATHER -> "%s of %d %s".formatted(kind, numElements, dtype);
      case ALL_REDUCE, REDUCE_SCATTER ->
          "%s (%s) of %d %s"
              .formatted(kind, String.valueOf(op).toLowerCase(Locale.ROOT), numElements, dtype);
    };
  }
}
