package io.tanuki4j.comm.counting;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroupFactory;
import java.util.List;

/** Creates the groups of a single rank, as large as if the other ranks existed. */
public record CountingFactory(int globalRank, int worldSize) implements ProcessGroupFactory {
  @Override
  public ProcessGroup create(String name, List<List<Integer>> groups) {
    return new CountingGroup(Members.of(name, groups, globalRank, worldSize));
  }

  @Override
  public void close() {}
}
