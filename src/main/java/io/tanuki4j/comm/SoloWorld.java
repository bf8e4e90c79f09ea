package io.tanuki4j.comm;

import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.kernel.Device;
import java.util.List;

/** The groups of a run of one rank. */
public final class SoloWorld implements ProcessGroupFactory {
  private final Device device;

  public SoloWorld(Device device) {
    this.device = device;
  }

  @Override
  public int globalRank() {
    return 0;
  }

  @Override
  public int worldSize() {
    return 1;
  }

  @Override
  public ProcessGroup create(String name, List<List<Integer>> groups) {
    return new SoloGroup(Members.of(name, groups, 0, 1), device);
  }

  @Override
  public void close() {}
}
