package io.tanuki4j.comm;

import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * Ranks that exchange tensors. All ranks of the group call a collective in the same order and with
 * the same sizes. A group of one rank returns at once.
 *
 * <p>A call starts the communication and returns; {@link Work#await} orders what follows behind the
 * result. Until then inputs must not be written, outputs must not be touched, and their memory must
 * not be closed. Works may be awaited in any order. Only the thread of the rank that owns the group
 * calls it.
 *
 * <p>Sums are made in rank order, those of BF16 in fp32 and rounded once. The result is therefore
 * the same on every rank and in every run (with NCCL, the same on every rank only).
 *
 * <p>Every method throws {@link CommunicationException} with one sentence once a rank has died, has
 * timed out, or has made a different call; from then on the group is dead. Operands that do not fit
 * together are an {@link IllegalArgumentException}.
 */
public interface ProcessGroup extends AutoCloseable {
  /** Returns the members of the group, and which of them this rank is. */
  GroupMembers members();

  /** Returns the purpose of the group: {@code tp}, {@code dp_cp}. */
  default String name() {
    return members().name();
  }

  /** Returns this rank's place in {@link #globalRanks}. */
  default int rank() {
    return members().rank();
  }

  default int size() {
    return members().size();
  }

  /** Returns the world ranks of the group's members, in the order of their ranks here. */
  default List<Integer> globalRanks() {
    return members().globalRanks();
  }

  /** Reduces over the ranks, in place. */
  Work allReduce(Tensor inOut, ReduceOp op);

  /**
   * Concatenates the ranks' shards along dim 0.
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
   * Broadcasts the root's values to every rank.
   *
   * @param root a rank of this group
   */
  Work broadcast(Tensor inOut, int root);

  /**
   * Sends and receives as one unit, which is complete when all its parts are. Messages between two
   * ranks arrive in the order in which they are sent. Only the named ranks take part.
   *
   * <p>The exchanges of a group run one after another. An exchange that waits for a message which
   * the peer sends only in a later exchange would wait forever.
   */
  Work exchange(List<Send> sends, List<Recv> recvs);

  /** Waits until every rank of the group has called it. */
  void barrier();

  /**
   * Returns the bytes of tensors that this rank has sent in this group, as {@link Collective}
   * counts them.
   */
  long bytesSent();

  /** Ends the group for this rank. Works that were not awaited are lost. */
  @Override
  void close();
}
