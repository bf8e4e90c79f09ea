package io.tanuki4j.comm.timed;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroupFactory;
import java.util.List;

/**
 * Creates another factory's groups and measures how long their rank waits in them: communication
 * that no computation hides.
 *
 * @param factory closes with this
 * @param timer of the rank's device
 */
public record TimedFactory(ProcessGroupFactory factory, WaitTimer timer)
    implements ProcessGroupFactory {
  @Override
  public int globalRank() {
    return factory.globalRank();
  }

  @Override
  public int worldSize() {
    return factory.worldSize();
  }

  @Override
  public ProcessGroup create(String name, List<List<Integer>> groups) {
    return new TimedGroup(factory.create(name, groups), timer);
  }

  @Override
  public void close() {
    factory.close();
  }
}
