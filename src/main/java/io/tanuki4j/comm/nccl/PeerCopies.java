package io.tanuki4j.comm.nccl;

import io.tanuki4j.backend.cuda.CudaDevice;
import io.tanuki4j.backend.cuda.CudaPeers;
import io.tanuki4j.backend.cuda.CudaPeers.Message;
import io.tanuki4j.backend.cuda.CudaQueue;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import io.tanuki4j.tensor.Tensor;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Exchanges between ranks of one machine without multiprocessors: the sender's copy engine writes
 * into the receiver's memory. The receiver first says that it is ready, and the sender that the
 * message has arrived. Products that run meanwhile keep the whole GPU.
 *
 * <p>Where a tensor goes in the receiver's memory is asked while work is not recorded. Recorded
 * work has been run once before at the same addresses, so the answer still holds.
 */
final class PeerCopies implements AutoCloseable {
  /** Below this, NCCL's one kernel is faster than the messages. */
  private static final long LEAST_BYTES = 1 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(PeerCopies.class);

  private final Members members;
  private final CudaDevice device;
  private final Rendezvous rendezvous;
  private final Map<Route, Long> targets = new HashMap<>();
  private final Map<String, Integer> numAsked = new HashMap<>();
  private @Nullable CudaPeers peers;
  private boolean asked;

  /**
   * What the sender knows of an exchange.
   *
   * @param sent address of the tensor
   * @param received address of the tensor that it receives in the same exchange
   */
  private record Route(long sent, long received, int to, int from) {}

  PeerCopies(Members members, CudaDevice device, Rendezvous rendezvous) {
    this.members = members;
    this.device = device;
    this.rendezvous = rendezvous;
  }

  /**
   * Connects the ranks; all of them call it at the same time.
   *
   * @return null if some of them are on other machines, or a GPU does not reach another's memory
   */
  private @Nullable CudaPeers open() {
    int here = rendezvous.environment().localWorldSize();
    if (members.globalRanks().stream().map(rank -> rank / here).distinct().count() > 1) {
      return null;
    }
    CudaPeers made = device.openPeers(members.rank(), members.size());
    if (connect(made)) {
      rendezvous.onFailure(made::abort);
      return made;
    }
    made.close();
    LOG.warn(
        "{}: not every rank has a GPU of its own that reaches the memory of the others, so NCCL"
            + " carries what their layers exchange, and takes multiprocessors from products",
        members);
    return null;
  }

  private boolean connect(CudaPeers made) {
    rendezvous.set(key("introduction", members.rank()), made.introduction());
    boolean reaches = true;
    for (int peer = 0; peer < members.size(); peer++) {
      if (peer != members.rank()) {
        reaches &= made.connect(peer, read("introduction", peer));
      }
    }
    rendezvous.set(key("reaches", members.rank()), new byte[] {(byte) (reaches ? 1 : 0)});
    for (int peer = 0; peer < members.size(); peer++) {
      reaches &= read("reaches", peer)[0] == 1;
    }
    return reaches;
  }

  private byte[] read(String what, int peer) {
    return rendezvous.await(key(what, peer), members.globalRanks().get(peer));
  }

  private String key(String what, int ofRank) {
    return "copies/%s/%d/%s/%d".formatted(members.name(), members.index(), what, ofRank);
  }

  /**
   * Returns whether an exchange is of the kind that is faster this way: one large message in each
   * direction, which all ranks take for large, and perhaps others of a rank to itself.
   */
  boolean takes(List<Send> sends, List<Recv> recvs) {
    List<Send> toOthers = toOthers(sends);
    List<Recv> fromOthers = fromOthers(recvs);
    if (toOthers.size() != 1 || fromOthers.size() != 1) {
      return false;
    }
    long sent = toOthers.get(0).tensor().numBytes();
    long received = fromOthers.get(0).tensor().numBytes();
    return Math.min(sent, received) >= LEAST_BYTES && sent == received && isOpen();
  }

  /** Returns whether the ranks are connected, which the first large exchange tries. */
  private boolean isOpen() {
    if (!asked) {
      asked = true;
      peers = open();
    }
    return peers != null;
  }

  /** Puts an exchange on a queue. */
  void issue(CudaQueue queue, List<Send> sends, List<Recv> recvs) {
    Send send = toOthers(sends).get(0);
    Recv recv = fromOthers(recvs).get(0);
    long target = target(send, recv);
    CudaPeers connected = Objects.requireNonNull(peers);
    connected.tell(queue, recv.from(), Message.READY);
    connected.await(queue, send.to(), Message.READY);
    connected.copy(queue, target, send.tensor());
    connected.tell(queue, send.to(), Message.ARRIVED);
    copyOwn(queue, sends, recvs);
    connected.await(queue, recv.from(), Message.ARRIVED);
  }

  /** Copies what this rank sends itself, in the order of the messages. */
  private void copyOwn(CudaQueue queue, List<Send> sends, List<Recv> recvs) {
    Iterator<Recv> places = recvs.stream().filter(recv -> recv.from() == members.rank()).iterator();
    for (Send send : sends) {
      if (send.to() == members.rank()) {
        Tensor place = places.next().tensor();
        Objects.requireNonNull(peers).copy(queue, address(place), send.tensor());
      }
    }
  }

  private List<Send> toOthers(List<Send> sends) {
    return sends.stream().filter(send -> send.to() != members.rank()).toList();
  }

  private List<Recv> fromOthers(List<Recv> recvs) {
    return recvs.stream().filter(recv -> recv.from() != members.rank()).toList();
  }

  private long target(Send send, Recv recv) {
    Route route = new Route(address(send.tensor()), address(recv.tensor()), send.to(), recv.from());
    Long known = targets.get(route);
    if (device.isRecording()) {
      if (known == null) {
        throw new IllegalStateException(
            "%s: these tensors were not exchanged before the recording. Run the work once before."
                .formatted(members));
      }
      return known;
    }
    long target = ask(send, recv);
    if (known != null && known != target) {
      throw new IllegalStateException(
          "%s: rank %d receives elsewhere than before (expected: the same addresses again)"
              .formatted(members, members.globalRanks().get(send.to())));
    }
    targets.put(route, target);
    return target;
  }

  private static long address(Tensor tensor) {
    return CudaDevice.pointer(tensor).address();
  }

  /** Says where this rank receives, and asks where the other one does. */
  private long ask(Send send, Recv recv) {
    String mine = members.rank() + " from " + recv.from();
    String theirs = send.to() + " from " + members.rank();
    rendezvous.set(key("place " + mine, next(mine)), CudaPeers.describe(recv.tensor()));
    byte[] place =
        rendezvous.await(
            key("place " + theirs, next(theirs)), members.globalRanks().get(send.to()));
    return Objects.requireNonNull(peers).open(place);
  }

  private int next(String direction) {
    return numAsked.merge(direction, 1, Integer::sum);
  }

  @Override
  public void close() {
    if (peers != null) {
      peers.close();
    }
  }
}
