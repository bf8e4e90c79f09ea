package io.tanuki4j.comm.socket;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.comm.GroupMembers;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.Rendezvous;
import io.tanuki4j.comm.SoloGroup;
import io.tanuki4j.kernel.Device;
import java.util.ArrayList;
import java.util.List;

/** Makes one rank's sides of the groups and connects them. */
final class SocketFactory implements ProcessGroupFactory {
  private final Rendezvous rendezvous;
  private final Device device;
  private final PeerListener listener;
  private final List<ProcessGroup> made = new ArrayList<>();

  private SocketFactory(Rendezvous rendezvous, Device device, PeerListener listener) {
    this.rendezvous = rendezvous;
    this.device = device;
    this.listener = listener;
  }

  static SocketFactory open(Rendezvous rendezvous, Device device) {
    return new SocketFactory(rendezvous, device, PeerListener.open(rendezvous));
  }

  @Override
  public int globalRank() {
    return rendezvous.environment().globalRank();
  }

  @Override
  public int worldSize() {
    return rendezvous.environment().worldSize();
  }

  @Override
  public ProcessGroup create(String name, List<List<Integer>> groups) {
    GroupMembers members = GroupMembers.of(name, groups, globalRank(), worldSize());
    int creation = made.size();
    requireAgreement(creation, "\"%s\" %s".formatted(name, groups));
    ProcessGroup group =
        members.size() == 1
            ? new SoloGroup(members, device)
            : SocketGroup.connect(creation, members, listener, rendezvous, device);
    made.add(group);
    return group;
  }

  /** Every rank compares what it makes with what rank 0 makes. */
  private void requireAgreement(int creation, String mine) {
    String key = "groups/" + creation;
    if (globalRank() == 0) {
      rendezvous.set(key, mine.getBytes(UTF_8));
      return;
    }
    String theirs = new String(rendezvous.await(key), UTF_8);
    if (!theirs.equals(mine)) {
      rendezvous.fail(
          "groups #%d: rank %d makes %s, rank 0 %s. All ranks must make the same groups in the same order."
              .formatted(creation + 1, globalRank(), mine, theirs));
      rendezvous.throwIfFailed();
    }
  }

  @Override
  public void close() {
    made.forEach(ProcessGroup::close);
    listener.close();
  }
}
