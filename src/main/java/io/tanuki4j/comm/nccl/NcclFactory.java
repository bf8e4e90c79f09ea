package io.tanuki4j.comm.nccl;

import io.tanuki4j.backend.cuda.CudaDevice;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.SoloGroup;
import io.tanuki4j.comm.rendezvous.GroupAgreement;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Creates one rank's groups: first a communicator of all ranks, then a split of it for each kind of
 * group. A {@link io.tanuki4j.comm.rendezvous.Transport}.
 */
public final class NcclFactory implements ProcessGroupFactory {
  private static final String OF_LAYERS = "tp";

  private final Rendezvous rendezvous;
  private final CudaDevice device;
  private final GroupAgreement agreement;
  private final Watchdog watchdog;
  private final Communicator world;
  private final List<ProcessGroup> made = new ArrayList<>();

  private NcclFactory(Rendezvous rendezvous, CudaDevice device) {
    this.rendezvous = rendezvous;
    this.device = device;
    this.agreement = new GroupAgreement(rendezvous);
    this.watchdog = new Watchdog(rendezvous, device);
    this.world = Communicator.world(rendezvous, device, watchdog);
  }

  /**
   * Connects to the other ranks on the GPUs.
   *
   * @param device a GPU; the calling thread owns it
   * @throws UserException if it is not a GPU
   * @throws io.tanuki4j.comm.CommunicationException if NCCL cannot connect the ranks
   */
  public static ProcessGroupFactory open(Rendezvous rendezvous, Device device) {
    if (device instanceof CudaDevice gpu) {
      return new NcclFactory(rendezvous, gpu);
    }
    throw new UserException(
        "--distributed-backend: nccl (expected on %s: gloo or local). NCCL needs --backend cuda."
            .formatted(device.info().name()));
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
    agreement.require(name, groups);
    boolean alone = members.size() == 1;
    Communicator communicator = world.split(alone ? null : members, name);
    ProcessGroup group =
        communicator == null
            ? new SoloGroup(members, device)
            : new NcclGroup(members, device, communicator, watchdog, copies(members));
    made.add(group);
    return group;
  }

  /** Returns how ranks that share layers exchange large tensors; null for NCCL's way. */
  private @Nullable PeerCopies copies(Members members) {
    return members.name().equals(OF_LAYERS) ? new PeerCopies(members, device, rendezvous) : null;
  }

  @Override
  public void close() {
    watchdog.endAfterFailure();
    made.forEach(ProcessGroup::close);
    world.close();
    watchdog.close();
  }
}
