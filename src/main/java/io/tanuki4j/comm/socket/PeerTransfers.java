package io.tanuki4j.comm.socket;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.TreeMap;

/**
 * Bytes sent to and received from several peers at once, in the order of the calls for each peer.
 */
final class PeerTransfers {
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
