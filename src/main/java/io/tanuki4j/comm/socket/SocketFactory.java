package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.SoloGroup;
import io.tanuki4j.comm.rendezvous.GroupAgreement;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import io.tanuki4j.comm.rendezvous.Transport;
import io.tanuki4j.kernel.Device;
import java.util.ArrayList;
import java.util.List;

/** Creates one rank's side of each group and connects it. A {@link Transport}. */
public final class SocketFactory implements ProcessGroupFactory {
  private final Rendezvous rendezvous;
  private final Device device;
  private final PeerListener listener;
  private final GroupAgreement agreement;
  private final List<ProcessGroup> made = new ArrayList<>();

  private SocketFactory(Rendezvous rendezvous, Device device, PeerListener listener) {
    this.rendezvous = rendezvous;
    this.device = device;
    this.listener = listener;
    this.agreement = new GroupAgreement(rendezvous);
  }

  /**
   * Opens the factory.
   *
   * @param device where the rank's tensors are
   */
  public static ProcessGroupFactory open(Rendezvous rendezvous, Device device) {
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
    Members members = Members.of(name, groups, globalRank(), worldSize());
    int creation = agreement.require(name, groups);
    ProcessGroup group =
        members.size() == 1
            ? new SoloGroup(members, device)
            : SocketGroup.connect(creation, members, listener, rendezvous, device);
    made.add(group);
    return group;
  }

  @Override
  public void close() {
    made.forEach(ProcessGroup::close);
    listener.close();
  }
}
