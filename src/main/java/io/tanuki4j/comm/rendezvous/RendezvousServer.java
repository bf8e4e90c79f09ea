package io.tanuki4j.comm.rendezvous;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.Durations;
import io.tanuki4j.error.FailureSentence;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Rank 0's side of the {@link Rendezvous}. Admits the ranks of the run, keeps their values, and
 * tells all of them when one fails or its connection breaks.
 */
final class RendezvousServer {
  private static final int BACKLOG = 1024;

  private final RankEnvironment environment;
  private final Duration joining;
  private final @Nullable RendezvousConnection[] ranks;
  private final boolean[] left;
  private final Map<String, byte[]> values = new HashMap<>();
  private final Map<String, List<RendezvousConnection>> waiting = new HashMap<>();
  private final Door door;
  private int numJoined;
  private @Nullable String failure;

  private RendezvousServer(
      RankEnvironment environment, Duration joining, ServerSocketChannel listening)
      throws IOException {
    this.environment = environment;
    this.joining = joining;
    ranks = new @Nullable RendezvousConnection[environment.worldSize()];
    left = new boolean[environment.worldSize()];
    door = Door.open(listening, environment.meeting().key(), new Reception());
  }

  /**
   * Listens at the run's address until all ranks have joined.
   *
   * @param joining within which they have to join
   * @throws CommunicationException if the address is unavailable
   */
  static RendezvousServer open(RankEnvironment environment, Duration joining) {
    MeetingPoint meeting = environment.meeting();
    try {
      ServerSocketChannel listening = ServerSocketChannel.open();
      listening.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      listening.bind(new InetSocketAddress(MasterAddress.toBind(meeting), meeting.port()), BACKLOG);
      RendezvousServer server = new RendezvousServer(environment, joining, listening);
      startThread("rendezvous limit", server::awaitAll);
      return server;
    } catch (BindException e) {
      throw new CommunicationException(
          "MASTER_PORT: %d (expected: a free port of this machine, which is rank 0's: %s). Stop the other run, or choose another port."
              .formatted(meeting.port(), e.getMessage()));
    } catch (IOException e) {
      throw new CommunicationException(
          "rank 0 cannot listen at %s: %s.".formatted(meeting, e.getMessage()));
    }
  }

  private static void startThread(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Admits ranks. */
  private final class Reception implements Door.Host {
    @Override
    public String name() {
      return "rank 0";
    }

    @Override
    public void admit(Call call, SocketChannel channel) throws IOException {
      RendezvousConnection line = new RendezvousConnection(channel.socket());
      String refusal = RendezvousServer.this.admit(call, line);
      if (refusal == null) {
        startThread("rendezvous with rank " + call.from(), () -> serve(call.from(), line));
      } else {
        line.send(RendezvousMessage.of(RendezvousMessage.Kind.REFUSED, refusal));
        line.close();
      }
    }

    @Override
    public void broken(Throwable cause) {
      fail(
          "rank 0 cannot listen any more at %s: %s"
              .formatted(environment.meeting(), FailureSentence.of(cause)));
    }
  }

  private void awaitAll() {
    awaitUntil(joining, () -> failure != null || !isGathering());
    synchronized (this) {
      if (isGathering() && failure == null) {
        fail(missing());
      }
    }
  }

  private String missing() {
    return "ranks %s have not joined within %s, ranks %s have. Look at their output, and whether they reach %s."
        .formatted(
            select(line -> line == null),
            Durations.text(joining),
            select(line -> line != null),
            environment.meeting());
  }

  private List<Integer> select(Predicate<@Nullable RendezvousConnection> wanted) {
    return IntStream.range(0, ranks.length).filter(i -> wanted.test(ranks[i])).boxed().toList();
  }

  /** Admits a rank; returns the reason for refusing it, or null. */
  private synchronized @Nullable String admit(Call call, RendezvousConnection line) {
    String refusal = failure == null ? refusal(call, line) : failure;
    if (refusal == null) {
      join(call.from(), line);
    } else if (isGathering()) {
      fail(refusal);
    }
    return refusal;
  }

  private synchronized boolean isGathering() {
    return numJoined < ranks.length;
  }

  private @Nullable String refusal(Call call, RendezvousConnection line) {
    int rank = call.from();
    String host = line.remoteAddress().getHostAddress();
    if (call.number() != ranks.length) {
      return "rank %d on %s has WORLD_SIZE %d (expected: %d, as rank 0). Start all ranks with the same number."
          .formatted(rank, host, call.number(), ranks.length);
    }
    if (rank < 0 || rank >= ranks.length || ranks[rank] != null) {
      return "RANK: %d on %s (expected: a number from 0 to %d that no other process has). Another process has joined as this rank."
          .formatted(rank, host, ranks.length - 1);
    }
    return null;
  }

  private void join(int rank, RendezvousConnection line) {
    line.send(RendezvousMessage.of(RendezvousMessage.Kind.WELCOME, ""));
    ranks[rank] = line;
    numJoined++;
    if (!isGathering()) {
      tellAll(RendezvousMessage.of(RendezvousMessage.Kind.COMPLETE, ""), 0);
      door.close();
      notifyAll();
    }
  }

  private void serve(int rank, RendezvousConnection line) {
    try (line) {
      RendezvousMessage notice = line.read();
      while (notice.kind() != RendezvousMessage.Kind.BYE) {
        handle(rank, line, notice);
        notice = line.read();
      }
    } catch (IOException e) {
      fail(
          "rank %d on %s is gone: its connection to rank 0 has closed. Look at the end of its output."
              .formatted(rank, line.remoteAddress().getHostAddress()));
    } catch (RuntimeException | Error e) {
      fail("rank 0 cannot serve rank %d: %s".formatted(rank, FailureSentence.of(e)));
    }
    synchronized (this) {
      left[rank] = true;
      notifyAll();
    }
  }

  private void handle(int rank, RendezvousConnection line, RendezvousMessage notice) {
    switch (notice.kind()) {
      case SET -> set(notice);
      case GET -> get(line, notice.text());
      case FAIL -> fail(notice.text(), rank);
      default -> fail("rank %d said %s to rank 0".formatted(rank, notice.kind()));
    }
  }

  private synchronized void set(RendezvousMessage notice) {
    values.put(notice.text(), notice.value());
    List<RendezvousConnection> eager = waiting.remove(notice.text());
    if (eager != null) {
      eager.forEach(line -> sendValue(line, notice.text(), notice.value()));
    }
  }

  private synchronized void get(RendezvousConnection line, String key) {
    byte[] value = values.get(key);
    if (value == null) {
      waiting.computeIfAbsent(key, unused -> new ArrayList<>()).add(line);
    } else {
      sendValue(line, key, value);
    }
  }

  private static void sendValue(RendezvousConnection line, String key, byte[] value) {
    line.send(new RendezvousMessage(RendezvousMessage.Kind.VALUE, key, value));
  }

  private void fail(String sentence) {
    fail(sentence, 0);
  }

  /**
   * Tells every rank of a failure, the rank that failed last: by then it knows that the others have
   * been told.
   */
  private synchronized void fail(String sentence, int last) {
    if (failure == null) {
      failure = sentence;
    }
    tellAll(RendezvousMessage.of(RendezvousMessage.Kind.FAILED, failure), last);
    notifyAll();
  }

  private void tellAll(RendezvousMessage notice, int last) {
    for (int i = 1; i <= ranks.length; i++) {
      RendezvousConnection line = ranks[(last + i) % ranks.length];
      if (line != null) {
        line.send(notice);
      }
    }
  }

  /**
   * Waits until every rank has left, or until one has failed and the others know.
   *
   * @param limit for this wait
   * @throws CommunicationException naming the ranks that have not left
   */
  void close(Duration limit) {
    boolean over = awaitUntil(limit, () -> failure != null || isGathering() || !anyStays());
    synchronized (this) {
      tellAll(RendezvousMessage.of(RendezvousMessage.Kind.BYE, ""), 0);
    }
    door.close();
    if (!over) {
      throw new CommunicationException(
          "ranks %s have not ended within %s of rank 0. Look at their output."
              .formatted(staying(), Durations.text(limit)));
    }
  }

  /** Waits for a condition under this monitor; returns whether it became true. */
  private synchronized boolean awaitUntil(Duration limit, BooleanSupplier reached) {
    long end = System.nanoTime() + limit.toNanos();
    while (!reached.getAsBoolean()) {
      long nanos = end - System.nanoTime();
      if (nanos <= 0) {
        return false;
      }
      try {
        wait(nanos / 1_000_000 + 1);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return true;
      }
    }
    return true;
  }

  private synchronized boolean anyStays() {
    return !staying().isEmpty();
  }

  private synchronized List<Integer> staying() {
    return IntStream.range(0, left.length).filter(rank -> !left[rank]).boxed().toList();
  }
}
