package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
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

  static Mesh connect(int creation, Members members, PeerListener listener, Rendezvous rendezvous) {
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
  void run(Step step) throws StepException {
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

  private static int interest(Step step, int peer) {
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

  private static void advance(Step step, SelectionKey key) throws StepException {
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

  /**
   * Bytes to send to and receive from several peers at once, in the order of the calls for each
   * peer.
   */
  static final class Step {
    private final TreeMap<Integer, Deque<ByteBuffer>> out = new TreeMap<>();
    private final TreeMap<Integer, Deque<Expected>> in = new TreeMap<>();

    /** Decides, when bytes have arrived, whether the next ones may be read. */
    interface Check {
      Check NONE = bytes -> {};

      void arrived(ByteBuffer bytes);
    }

    private record Expected(ByteBuffer bytes, Check check) {}

    void send(int peer, ByteBuffer bytes) {
      if (bytes.hasRemaining()) {
        out.computeIfAbsent(peer, key -> new ArrayDeque<>()).add(bytes);
      }
    }

    void receive(int peer, ByteBuffer bytes) {
      receive(peer, bytes, Check.NONE);
    }

    /**
     * Adds bytes to receive.
     *
     * @param check called with the received bytes, before any later ones are read
     */
    void receive(int peer, ByteBuffer bytes, Check check) {
      if (bytes.hasRemaining()) {
        in.computeIfAbsent(peer, key -> new ArrayDeque<>()).add(new Expected(bytes, check));
      }
    }

    boolean sendsTo(int peer) {
      return out.containsKey(peer);
    }

    boolean receivesFrom(int peer) {
      return in.containsKey(peer);
    }

    boolean isOver() {
      return out.isEmpty() && in.isEmpty();
    }

    /** Returns the peers whose transfers are not complete, ascending. */
    List<Integer> pendingPeers() {
      TreeMap<Integer, Object> pending = new TreeMap<>(out);
      pending.putAll(in);
      return List.copyOf(pending.keySet());
    }

    /** Sends as many bytes as the connection takes. */
    void write(int peer, SocketChannel channel) throws IOException {
      Deque<ByteBuffer> queue = out.get(peer);
      while (queue != null && !queue.isEmpty()) {
        ByteBuffer bytes = queue.element();
        channel.write(bytes);
        if (bytes.hasRemaining()) {
          return;
        }
        queue.remove();
      }
      out.remove(peer);
    }

    /** Reads as many bytes as are available and expected. */
    void read(int peer, SocketChannel channel) throws IOException {
      Deque<Expected> queue = in.get(peer);
      while (queue != null && !queue.isEmpty()) {
        Expected next = queue.element();
        if (channel.read(next.bytes) < 0) {
          throw new EOFException();
        }
        if (next.bytes.hasRemaining()) {
          return;
        }
        next.check.arrived(next.bytes.flip());
        queue.remove();
      }
      in.remove(peer);
    }
  }
}
