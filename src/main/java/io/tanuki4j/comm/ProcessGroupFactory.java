package io.tanuki4j.comm;

import java.util.List;

/** Creates the groups of one rank. */
public interface ProcessGroupFactory extends AutoCloseable {
  int globalRank();

  int worldSize();

  /**
   * Creates this rank's group, from groups that together hold every rank once. All ranks call it in
   * the same order with the same arguments.
   *
   * @param name for messages and counts: {@code tp}
   * @param groups global ranks; a rank's place in its list becomes its rank in the group
   * @throws IllegalArgumentException if a rank is missing or named twice
   */
  ProcessGroup create(String name, List<List<Integer>> groups);

  /** Closes every group that it created. */
  @Override
  void close();
}
