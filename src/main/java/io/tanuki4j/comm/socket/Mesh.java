package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.GroupMembers;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The connections of one rank of a group to all others. */
final class Mesh implements AutoCloseable {
  private final Selector selector;
  private final Rendezvous rendezvous;
  private final Map<Integer, SelectionKey> keys = new TreeMap<>();
  private volatile boolean closing;

  private Mesh(Selector selector, Rendezvous rendezvous) {
    this.selector = selector;
    this.rendezvous = rendezvous;
  }

  static Mesh connect(
      int creation, GroupMembers members, PeerListener listener, Rendezvous rendezvous) {
    try {
      Mesh mesh = new Mesh(Selector.open(), rendezvous);
      for (int peer = 0; peer < members.size(); peer++) {
        if (peer != members.rank()) {
          SocketChannel channel = listener.connect(creation, members.globalRanks().get(peer));
          mesh.keys.put(peer, channel.register(mesh.selector, 0, peer));
        }
      }
      rendezvous.onFailure(mesh.selector::wakeup);
      return mesh;
    } catch (IOException e) {
      throw new CommunicationException(
          "%s: the system gives no connections: %s.".formatted(members, e.getMessage()));
    }
  }

  /** Peers that did not do their part. */
  static final class StepException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient List<Integer> peers;
    private final boolean late;

    StepException(List<Integer> peers, boolean late) {
      this.peers = peers;
      this.late = late;
    }

    List<Integer> peers() {
      return peers;
    }

    /** Returns whether the time limit has expired; if not, the peers' connections are closed. */
    boolean isLate() {
      return late;
    }
  }

  /**
   * Runs a step; sends and receives proceed at the same time.
   *
   * @throws StepException if a peer does not do its part
   * @throws CommunicationException if the run has failed
   */
  void run(PeerTransfers step) throws StepException {
    long end = System.nanoTime() + rendezvous.limit().toNanos();
    for (SelectionKey key : keys.values()) {
      advance(step, key);
    }
    while (!step.isOver()) {
      keys.forEach((peer, key) -> key.interestOps(interest(step, peer)));
      long left = end - System.nanoTime();
      if (left <= 0) {
        throw new StepException(step.pendingPeers(), true);
      }
      select(left / 1_000_000 + 1);
      for (SelectionKey key : selector.selectedKeys()) {
        advance(step, key);
      }
      selector.selectedKeys().clear();
    }
  }

  private static int interest(PeerTransfers step, int peer) {
    return (step.sendsTo(peer) ? SelectionKey.OP_WRITE : 0)
        | (step.receivesFrom(peer) ? SelectionKey.OP_READ : 0);
  }

  private void select(long millis) {
    try {
      rendezvous.throwIfFailed();
      requireOpen();
      selector.select(millis);
      rendezvous.throwIfFailed();
      requireOpen();
    } catch (IOException e) {
      throw new CommunicationException(
          "waiting for other ranks failed: %s.".formatted(e.getMessage()));
    }
  }

  private void requireOpen() {
    if (closing) {
      throw new CommunicationException("the group was closed before its communication was over.");
    }
  }

  private static void advance(PeerTransfers step, SelectionKey key) throws StepException {
    int peer = (Integer) key.attachment();
    SocketChannel channel = (SocketChannel) key.channel();
    try {
      step.write(peer, channel);
      step.read(peer, channel);
    } catch (IOException e) {
      throw new StepException(List.of(peer), false);
    }
  }

  /** Makes the running step fail; called from a thread other than the one that runs it. */
  void interrupt() {
    closing = true;
    selector.wakeup();
  }

  @Override
  public void close() {
    try {
      for (SelectionKey key : keys.values()) {
        key.channel().close();
      }
      selector.close();
    } catch (IOException e) {
      // they are not used any more
    }
  }
}
