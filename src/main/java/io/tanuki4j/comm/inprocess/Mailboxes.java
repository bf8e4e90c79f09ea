package io.tanuki4j.comm.inprocess;

import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.kernel.HostTensor;
import io.tanuki4j.kernel.HostTensor.View;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Messages between the ranks of a group. The side that arrives first waits; the second copies.
 * Messages from one rank to another are matched in order.
 */
final class Mailboxes {
  /** The most elements per copy: for every type within {@link View#MAX_BYTES}. */
  private static final int COPY_ELEMENTS = View.MAX_BYTES / Double.BYTES;

  private final SharedState world;
  private final Members members;
  private final Map<Route, Deque<Message>> sends = new HashMap<>();
  private final Map<Route, Deque<Message>> receives = new HashMap<>();

  Mailboxes(SharedState world, Members members) {
    this.world = world;
    this.members = members;
  }

  private record Route(int from, int to) {}

  private record Pair(Message send, Message receive) {}

  /** Posts a rank's messages, and copies those whose other side has arrived. */
  void post(int rank, List<Message> sent, List<Message> received) {
    List<Pair> pairs = new ArrayList<>();
    synchronized (world) {
      world.throwIfFailed();
      for (Message send : sent) {
        Route route = new Route(rank, send.peer());
        match(receives, sends, route, send)
            .ifPresent(receive -> pairs.add(pair(route, send, receive)));
      }
      for (Message receive : received) {
        Route route = new Route(receive.peer(), rank);
        match(sends, receives, route, receive)
            .ifPresent(send -> pairs.add(pair(route, send, receive)));
      }
    }
    pairs.forEach(this::copy);
  }

  /** Returns the oldest message waiting at the other side. If there is none, queues this one. */
  private static Optional<Message> match(
      Map<Route, Deque<Message>> others,
      Map<Route, Deque<Message>> own,
      Route route,
      Message message) {
    Deque<Message> waiting = others.getOrDefault(route, new ArrayDeque<>());
    if (waiting.isEmpty()) {
      own.computeIfAbsent(route, key -> new ArrayDeque<>()).add(message);
    }
    return Optional.ofNullable(waiting.poll());
  }

  private Pair pair(Route route, Message send, Message receive) {
    String sent = send.tensor().contents();
    String expected = receive.tensor().contents();
    if (!sent.equals(expected)) {
      world.fail(
          "exchange on group \"%s\": rank %d sends %s, rank %d expects %s. Both sides must agree."
              .formatted(name(), global(route.from()), sent, global(route.to()), expected));
      world.throwIfFailed();
    }
    return new Pair(send, receive);
  }

  private String name() {
    return members.name();
  }

  private int global(int rank) {
    return members.globalRanks().get(rank);
  }

  private void copy(Pair pair) {
    HostTensor from = pair.send.tensor();
    HostTensor to = pair.receive.tensor();
    for (long at = 0; at < from.numElements(); at += COPY_ELEMENTS) {
      int count = (int) Math.min(COPY_ELEMENTS, from.numElements() - at);
      to.elements(at, count).put(from.elements(at, count));
    }
    synchronized (world) {
      pair.send.end();
      pair.receive.end();
      world.notifyAll();
    }
  }

  /** Releases the memory of messages whose other side never arrived. */
  void release() {
    for (Map<Route, Deque<Message>> waiting : List.of(sends, receives)) {
      waiting.values().forEach(queue -> queue.forEach(Message::end));
      waiting.clear();
    }
  }
}
