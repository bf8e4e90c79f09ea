package io.tanuki4j.comm.inprocess;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.SoloGroup;
import io.tanuki4j.kernel.Device;
import java.util.ArrayList;
import java.util.List;

/** Creates one rank's side of each group. */
final class InProcessFactory implements ProcessGroupFactory {
  private final SharedState world;
  private final int globalRank;
  private final Device device;
  private final List<ProcessGroup> made = new ArrayList<>();

  InProcessFactory(SharedState world, int globalRank, Device device) {
    this.world = world;
    this.globalRank = globalRank;
    this.device = device;
  }

  @Override
  public int globalRank() {
    return globalRank;
  }

  @Override
  public int worldSize() {
    return world.size();
  }

  @Override
  public ProcessGroup create(String name, List<List<Integer>> groups) {
    Members members = Members.of(name, groups, globalRank, worldSize());
    GroupState room = world.room(made.size(), groups, members);
    ProcessGroup group =
        members.size() == 1
            ? new SoloGroup(members, device)
            : new InProcessGroup(world, room, members, device);
    made.add(group);
    return group;
  }

  @Override
  public void close() {
    made.forEach(ProcessGroup::close);
  }
}
