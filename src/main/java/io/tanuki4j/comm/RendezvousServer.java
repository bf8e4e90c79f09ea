package io.tanuki4j.comm;

import io.tanuki4j.comm.NoticeLine.Hello;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Rank 0's side of the {@link Rendezvous}: admits the ranks of the run, keeps their values, and
 * tells all of them when one fails or its connection breaks.
 */
final class RendezvousServer implements AutoCloseable {
  /** What a connection has to say who it is. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final int BACKLOG = 1024;

  private final RankEnvironment environment;
  private final Duration limit;
  private final ServerSocket socket;
  private final Thread door;
  private final @Nullable NoticeLine[] ranks;
  private final boolean[] left;
  private final Map<String, byte[]> values = new HashMap<>();
  private final Map<String, List<NoticeLine>> waiting = new HashMap<>();
  private int numJoined;
  private @Nullable String failure;

  private RendezvousServer(RankEnvironment environment, Duration limit, ServerSocket socket) {
    this.environment = environment;
    this.limit = limit;
    this.socket = socket;
    door = new Thread(this::admitAll, "rendezvous");
    door.setDaemon(true);
    ranks = new @Nullable NoticeLine[environment.worldSize()];
    left = new boolean[environment.worldSize()];
  }

  /**
   * Listens at the run's address.
   *
   * @throws CommunicationException if it is not to be had
   */
  static RendezvousServer open(RankEnvironment environment, Duration limit) {
    try {
      ServerSocket socket = new ServerSocket();
      socket.setReuseAddress(true);
      InetAddress own = MasterAddress.toBind(environment);
      socket.bind(new InetSocketAddress(own, environment.masterPort()), BACKLOG);
      RendezvousServer server = new RendezvousServer(environment, limit, socket);
      server.door.start();
      return server;
    } catch (BindException e) {
      throw new CommunicationException(
          "MASTER_PORT: %d (expected: a free port of this machine, which is rank 0's: %s). Stop the other run, or choose another port."
              .formatted(environment.masterPort(), e.getMessage()));
    } catch (IOException e) {
      throw new CommunicationException(
          "rank 0 cannot listen at %s:%d: %s."
              .formatted(environment.masterAddress(), environment.masterPort(), e.getMessage()));
    }
  }

  private void admitAll() {
    long end = System.nanoTime() + limit.toNanos();
    while (!socket.isClosed()) {
      try {
        socket.setSoTimeout(millisUntil(end));
        Socket caller = socket.accept();
        Thread guide =
            new Thread(() -> serve(caller), "rendezvous with " + caller.getInetAddress());
        guide.setDaemon(true);
        guide.start();
      } catch (SocketTimeoutException e) {
        failIfGathering();
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  /** 0, which is no limit, once all have come or the run has failed. */
  private synchronized int millisUntil(long end) {
    long left = (end - System.nanoTime()) / 1_000_000;
    return !isGathering() || failure != null
        ? 0
        : (int) Math.max(1, Math.min(left, Integer.MAX_VALUE));
  }

  private synchronized void failIfGathering() {
    if (isGathering() && failure == null) {
      fail(missing());
    }
  }

  private String missing() {
    return "ranks %s have not joined within %s, ranks %s have. Look at their output, and whether they reach %s:%d."
        .formatted(
            select(line -> line == null),
            Durations.text(limit),
            select(line -> line != null),
            environment.masterAddress(),
            environment.masterPort());
  }

  private List<Integer> select(Predicate<@Nullable NoticeLine> wanted) {
    return IntStream.range(0, ranks.length).filter(i -> wanted.test(ranks[i])).boxed().toList();
  }

  private void serve(Socket caller) {
    try (NoticeLine line = new NoticeLine(caller)) {
      Hello hello = line.hear(PATIENCE);
      if (!hello.token().equals(environment.runToken())) {
        line.send(Notice.of(Notice.Kind.STRANGER, ""));
        return;
      }
      String refusal = admit(hello, line);
      if (refusal != null) {
        line.send(Notice.of(Notice.Kind.REFUSED, refusal));
        return;
      }
      serve(hello.globalRank(), line);
    } catch (IOException e) {
      // a stranger who said nothing sensible
    }
  }

  /** The reason why not, or null. */
  private synchronized @Nullable String admit(Hello hello, NoticeLine line) {
    String refusal = failure == null ? refusal(hello, line) : failure;
    if (refusal == null) {
      join(hello.globalRank(), line);
    } else if (isGathering()) {
      fail(refusal);
    }
    return refusal;
  }

  private synchronized boolean isGathering() {
    return numJoined < ranks.length;
  }

  private @Nullable String refusal(Hello hello, NoticeLine line) {
    int rank = hello.globalRank();
    String host = line.remoteAddress().getHostAddress();
    if (hello.worldSize() != ranks.length) {
      return "rank %d on %s has WORLD_SIZE %d (expected: %d, as rank 0). Start all ranks with the same number."
          .formatted(rank, host, hello.worldSize(), ranks.length);
    }
    if (rank < 0 || rank >= ranks.length || ranks[rank] != null) {
      return "RANK: %d on %s (expected: a number from 0 to %d that no other process has). Another process has joined as this rank."
          .formatted(rank, host, ranks.length - 1);
    }
    return null;
  }

  private void join(int rank, NoticeLine line) {
    line.send(Notice.of(Notice.Kind.WELCOME, ""));
    ranks[rank] = line;
    numJoined++;
    if (!isGathering()) {
      tellAll(Notice.of(Notice.Kind.COMPLETE, ""), 0);
    }
  }

  private void serve(int rank, NoticeLine line) {
    try {
      Notice notice = line.read();
      while (notice.kind() != Notice.Kind.BYE) {
        handle(rank, line, notice);
        notice = line.read();
      }
    } catch (IOException e) {
      fail(
          "rank %d on %s is gone: its connection to rank 0 has closed. Look at the end of its output."
              .formatted(rank, line.remoteAddress().getHostAddress()));
    }
    synchronized (this) {
      left[rank] = true;
      notifyAll();
    }
  }

  private void handle(int rank, NoticeLine line, Notice notice) {
    switch (notice.kind()) {
      case SET -> set(notice);
      case GET -> get(line, notice.text());
      case FAIL -> fail(notice.text(), rank);
      default -> fail("rank %d said %s to rank 0".formatted(rank, notice.kind()));
    }
  }

  private synchronized void set(Notice notice) {
    values.put(notice.text(), notice.value());
    List<NoticeLine> eager = waiting.remove(notice.text());
    if (eager != null) {
      eager.forEach(line -> sendValue(line, notice.text(), notice.value()));
    }
  }

  private synchronized void get(NoticeLine line, String key) {
    byte[] value = values.get(key);
    if (value == null) {
      waiting.computeIfAbsent(key, unused -> new ArrayList<>()).add(line);
    } else {
      sendValue(line, key, value);
    }
  }

  private static void sendValue(NoticeLine line, String key, byte[] value) {
    line.send(new Notice(Notice.Kind.VALUE, key, value));
  }

  private void fail(String sentence) {
    fail(sentence, 0);
  }

  /** The rank that failed hears it last: then it knows that the others have. */
  private synchronized void fail(String sentence, int last) {
    if (failure == null) {
      failure = sentence;
    }
    tellAll(Notice.of(Notice.Kind.FAILED, failure), last);
    notifyAll();
  }

  private void tellAll(Notice notice, int last) {
    for (int i = 1; i <= ranks.length; i++) {
      NoticeLine line = ranks[(last + i) % ranks.length];
      if (line != null) {
        line.send(notice);
      }
    }
  }

  /** Waits until every rank has left, or one has failed and the others know. */
  @Override
  public void close() {
    awaitLeave();
    synchronized (this) {
      tellAll(Notice.of(Notice.Kind.BYE, ""), 0);
    }
    try {
      socket.close();
      door.join(PATIENCE.toMillis()); // it holds the port until it knows
    } catch (IOException e) {
      // it is not used any more
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void awaitLeave() {
    long end = System.nanoTime() + limit.toNanos();
    while (failure == null && !isGathering() && anyStays()) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        return;
      }
      try {
        wait(left / 1_000_000 + 1);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private boolean anyStays() {
    return IntStream.range(0, left.length).anyMatch(rank -> !left[rank]);
  }
}
