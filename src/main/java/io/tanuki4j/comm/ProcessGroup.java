package io.tanuki4j.comm;

import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * Ranks that exchange tensors. A collective is called by all ranks of the group, in the same order
 * and with the same sizes; a group of one rank returns at once.
 *
 * <p>A call takes part and returns; {@link Work#await} says when the result may be used. Until then
 * inputs must not be written, outputs not be touched, and their memory not be closed. Different
 * works may be awaited in any order. Only the thread of the rank that owns the group calls it.
 *
 * <p>Sums are made in the order of the ranks, those of BF16 in fp32 and rounded once, so that the
 * result is the same on every rank and in every run (NCCL's are the same on every rank only).
 *
 * <p>Every method throws {@link CommunicationException} with one sentence once a rank has died, has
 * not arrived within the time limit, or has called something else; from then on the group is dead.
 * Operands that do not fit together are an {@link IllegalArgumentException}.
 */
public interface ProcessGroup extends AutoCloseable {
  /** Who is in it, and which of them this rank is. */
  GroupMembers members();

  /** What it is for: {@code tp}, {@code dp_cp}. */
  default String name() {
    return members().name();
  }

  /** This rank's place in {@link #globalRanks}. */
  default int rank() {
    return members().rank();
  }

  default int size() {
    return members().size();
  }

  /** The ranks of the world that are in this group, in the order of their ranks here. */
  default List<Integer> globalRanks() {
    return members().globalRanks();
  }

  /** Reduces over the ranks, in place. */
  Work allReduce(Tensor inOut, ReduceOp op);

  /**
   * Puts the ranks' shards one after another, along dim 0.
   *
   * @param out as many elements as all shards together; the shard may be its own part of it
   */
  Work allGather(Tensor out, Tensor shard);

  /**
   * Reduces over the ranks and leaves each with its shard along dim 0.
   *
   * @param shard may be its own part of {@code in}
   * @param in unchanged, except where {@code shard} lies in it
   */
  Work reduceScatter(Tensor shard, Tensor in, ReduceOp op);

  /**
   * Gives every rank the values of one.
   *
   * @param root a rank of this group
   */
  Work broadcast(Tensor inOut, int root);

  /**
   * Sends and receives as one unit: it is over when all of its parts are. The messages between two
   * ranks arrive in the order in which they are sent. Only the ranks that are named take part. The
   * exchanges of a group run one after another, so one that waits for a message which its peer
   * sends in a later exchange only would wait forever.
   */
  Work exchange(List<Send> sends, List<Recv> recvs);

  /** Waits until every rank of the group has called it. */
  void barrier();

  /** Bytes of tensors that this rank has sent in this group, as {@link Collective} counts them. */
  long bytesSent();

  /** Ends the group for this rank. Works that were not awaited are lost. */
  @Override
  void close();
}
