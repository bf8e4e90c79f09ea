package io.tanuki4j.comm.timed;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroupFactory;
import java.util.List;
import java.util.function.ObjLongConsumer;

/**
 * Makes another factory's groups and tells how long their rank waits in them: communication that
 * has no computation to hide behind.
 *
 * @param factory closes with this
 * @param waited hears the name of the group and nanoseconds, on the rank's thread
 */
public record TimedFactory(ProcessGroupFactory factory, ObjLongConsumer<String> waited)
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
    return new TimedGroup(factory.create(name, groups), waited);
  }

  @Override
  public void close() {
    factory.close();
  }
}
