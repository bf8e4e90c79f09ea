package io.tanuki4j.comm;

import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Ranks that exchange tensors. All ranks of the group call a collective in the same order and with
 * the same sizes. A group of one rank returns at once.
 *
 * <p>A call starts the communication and returns; {@link Work#await} orders what follows behind the
 * result. Until then inputs must not be written, outputs must not be touched, and their memory must
 * not be closed. Works may be awaited in any order. Only the thread of the rank that owns the group
 * calls it.
 *
 * <p>Sums are made in rank order, those of sixteen bits in fp32 and rounded once. The result is
 * therefore the same on every rank and in every run (with NCCL, the same on every rank only).
 *
 * <p>Every method throws {@link CommunicationException} with one sentence once a rank has died, has
 * timed out, or has made a different call; from then on the group is dead. Operands that do not fit
 * together are an {@link IllegalArgumentException}.
 */
public interface ProcessGroup extends AutoCloseable {
  /** Returns the members of the group, and which of them this rank is. */
  Members members();

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

  /** A communication in progress. */
  @FunctionalInterface
  interface Work {
    /** A completed communication. */
    Work DONE = () -> {};

    /**
     * Orders this rank's later operations behind the communication, so they may use its results.
     * Waits no longer than the device's order needs. A second call does nothing, except in a
     * recording ({@code Device.record}) begun later than the communication: each replay then waits
     * for the latest one into the same tensor.
     *
     * @throws CommunicationException if the communication failed
     */
    void await();
  }

  /**
   * A send to another rank.
   *
   * @param to a rank of the group
   */
  record Send(Tensor tensor, int to) {}

  /**
   * A receive from another rank.
   *
   * @param tensor gets the values; type and number of elements are the sender's
   * @param from a rank of the group
   */
  record Recv(Tensor tensor, int from) {}

  /**
   * How a reduction combines the values of several ranks. The maximum of NaN and a number is NaN.
   */
  enum ReduceOp {
    SUM,
    MAX
  }

  /**
   * The members of a group, and which of them this rank is.
   *
   * @param index of the group among those created together
   */
  record Members(String name, List<Integer> globalRanks, int rank, int index) {
    /**
     * Returns this rank's group, from groups that together hold every rank once.
     *
     * @throws IllegalArgumentException if they do not
     */
    public static Members of(
        String name, List<List<Integer>> groups, int globalRank, int worldSize) {
      List<Integer> all = groups.stream().flatMap(List::stream).sorted().toList();
      if (!all.equals(IntStream.range(0, worldSize).boxed().toList())) {
        throw new IllegalArgumentException(
            "groups \"%s\": %s (expected: each of the ranks 0 to %d once)"
                .formatted(name, groups, worldSize - 1));
      }
      int index = 0;
      while (!groups.get(index).contains(globalRank)) {
        index++;
      }
      List<Integer> mine = List.copyOf(groups.get(index));
      return new Members(name, mine, mine.indexOf(globalRank), index);
    }

    public int size() {
      return globalRanks.size();
    }

    public int globalRank() {
      return globalRanks.get(rank);
    }

    /**
     * Checks that the group has a rank.
     *
     * @throws IllegalArgumentException if the group has no such rank
     */
    public void requireRank(String what, int groupRank) {
      if (groupRank < 0 || groupRank >= size()) {
        throw new IllegalArgumentException(
            "%s on group \"%s\": rank %d (expected: 0 to %d)"
                .formatted(what, name, groupRank, size() - 1));
      }
    }

    /**
     * Checks an exchange.
     *
     * @throws IllegalArgumentException if it names ranks outside the group, or a message to itself
     *     lacks its send or its receive
     */
    public void requireExchange(List<Send> sends, List<Recv> recvs) {
      sends.forEach(send -> requireRank("exchange", send.to()));
      recvs.forEach(recv -> requireRank("exchange", recv.from()));
      long toItself = sends.stream().filter(send -> send.to() == rank).count();
      long fromItself = recvs.stream().filter(recv -> recv.from() == rank).count();
      if (toItself != fromItself) {
        throw new IllegalArgumentException(
            "exchange on group \"%s\": rank %d sends %d messages to itself and receives %d (expected: as many)"
                .formatted(name, globalRank(), toItself, fromItself));
      }
    }

    @Override
    public String toString() {
      return "group \"%s\" of ranks %s".formatted(name, globalRanks);
    }
  }
}
