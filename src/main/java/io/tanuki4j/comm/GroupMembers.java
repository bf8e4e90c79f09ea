package io.tanuki4j.comm;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The members of a group, and which of them this rank is.
 *
 * @param index of the group among those created together
 */
public record GroupMembers(String name, List<Integer> globalRanks, int rank, int index) {
  /**
   * Returns this rank's group, from groups that together hold every rank once.
   *
   * @throws IllegalArgumentException if they do not
   */
  public static GroupMembers of(
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
    return new GroupMembers(name, mine, mine.indexOf(globalRank), index);
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
