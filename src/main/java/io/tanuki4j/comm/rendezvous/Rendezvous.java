package io.tanuki4j.comm.rendezvous;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.Durations;
import io.tanuki4j.error.FailureSentence;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The meeting point of a run's processes: every rank connects to rank 0 and keeps that connection.
 * Through it they leave small values for each other. They also learn at once when a rank fails or
 * disappears, all in the same sentence.
 */
public final class Rendezvous implements AutoCloseable {
  /** The time that telling the others of a failure may take. */
  private static final Duration FAREWELL = Duration.ofSeconds(5);

  /** How long rank 0 of the previous start may still hold the port. */
  private static final Duration FORMER_RUN = Duration.ofSeconds(10);

  /** The time that rank 0 may take to answer. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final RankEnvironment environment;
  private final Duration limit;
  private final @Nullable RendezvousServer server;
  private final RendezvousConnection line;
  private final Map<String, byte[]> values = new HashMap<>();
  private final List<Runnable> listeners = new ArrayList<>();
  private boolean complete;
  private boolean ended;
  private boolean closed;
  private @Nullable String failure;

  private Rendezvous(
      RankEnvironment environment,
      Duration limit,
      @Nullable RendezvousServer server,
      RendezvousConnection line) {
    this.environment = environment;
    this.limit = limit;
    this.server = server;
    this.line = line;
  }

  /**
   * Connects to rank 0 (which listens from now on) and waits until all ranks have.
   *
   * @param limit for joining, and for every value that is awaited
   * @throws CommunicationException if a rank does not come, this one is refused, or the address is
   *     unavailable
   */
  public static Rendezvous join(RankEnvironment environment, Duration limit) {
    Duration joining = min(limit, environment.meeting().joinLimit());
    RendezvousServer server =
        environment.globalRank() == 0 ? RendezvousServer.open(environment, joining) : null;
    try {
      RendezvousConnection line = introduce(environment, joining);
      Rendezvous joined = new Rendezvous(environment, limit, server, line);
      joined.awaitOthers(joining);
      return joined;
    } catch (CommunicationException e) {
      if (server != null) {
        server.close(FAREWELL);
      }
      throw e;
    }
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /**
   * Connects, and tries again on failure: rank 0 may start later, or strangers may be in the way.
   * The last attempt has little time; its silence does not replace what an earlier one has heard.
   */
  private static RendezvousConnection introduce(RankEnvironment environment, Duration joining) {
    long start = System.nanoTime();
    IOException heard = null;
    while (true) {
      Socket socket = MasterAddress.connect(environment, start, joining);
      Duration left = joining.minusNanos(System.nanoTime() - start);
      try {
        return welcomed(environment, socket, min(left, PATIENCE));
      } catch (IOException e) {
        RendezvousConnection.close(socket);
        heard = heard != null && e instanceof SocketTimeoutException ? heard : e;
        throwIfOver(environment, heard, System.nanoTime() - start, joining);
      }
      MasterAddress.pause();
    }
  }

  private static RendezvousConnection welcomed(
      RankEnvironment environment, Socket socket, Duration patience) throws IOException {
    int rank = environment.globalRank();
    Call call = new Call(Call.Purpose.RENDEZVOUS, rank, 0, environment.worldSize());
    Greeting.call(socket, environment.meeting().key(), call, patience);
    RendezvousConnection line = new RendezvousConnection(socket);
    socket.setSoTimeout(Math.toIntExact(PATIENCE.toMillis()));
    RendezvousMessage reply = line.read();
    socket.setSoTimeout(0);
    if (reply.kind() != RendezvousMessage.Kind.WELCOME) {
      line.close();
      throw new CommunicationException(reply.text());
    }
    return line;
  }

  private static void throwIfOver(
      RankEnvironment environment, IOException why, long nanos, Duration joining) {
    boolean stranger = why instanceof Greeting.StrangerException;
    if (nanos > (stranger ? min(joining, FORMER_RUN) : joining).toNanos()) {
      throw new CommunicationException(
          "rank %d: %s %s. %s"
              .formatted(
                  environment.globalRank(),
                  environment.meeting(),
                  why.getMessage() == null ? "hangs up" : why.getMessage(),
                  stranger
                      ? "Choose another MASTER_PORT, and give all ranks the same secret."
                      : "Look at the output of rank 0, or choose another MASTER_PORT."));
    }
  }

  private void awaitOthers(Duration joining) {
    startReading();
    try {
      // rank 0 observes the limit too, and says which ranks are missing
      await(
          joining.plus(FAREWELL),
          () -> complete,
          "rank 0 at %s to say that all ranks are there. Rank 0 may be stopped: look at its output."
              .formatted(environment.meeting()));
    } catch (CommunicationException e) {
      line.close();
      throw e;
    }
  }

  private void startReading() {
    Thread reader = new Thread(this::read, "rendezvous of rank " + environment.globalRank());
    reader.setDaemon(true);
    reader.start();
  }

  private void read() {
    try {
      while (handle(line.read())) {}
    } catch (EOFException e) {
      end("rank 0 is gone: its connection has closed. Look at the end of its output.");
    } catch (IOException e) {
      end("rank 0 is gone: %s. Look at the end of its output.".formatted(e.getMessage()));
    } catch (RuntimeException | Error e) {
      fail(
          "rank %d cannot hear rank 0 any more: %s"
              .formatted(environment.globalRank(), FailureSentence.of(e)));
    }
  }

  /** Handles a message; returns whether more may follow. */
  private boolean handle(RendezvousMessage notice) {
    switch (notice.kind()) {
      case COMPLETE -> change(() -> complete = true);
      case VALUE -> change(() -> values.put(notice.text(), notice.value()));
      case FAILED -> end(notice.text());
      default -> end(null);
    }
    return notice.kind() == RendezvousMessage.Kind.COMPLETE
        || notice.kind() == RendezvousMessage.Kind.VALUE;
  }

  private synchronized void change(Runnable step) {
    step.run();
    notifyAll();
  }

  /**
   * Ends the rendezvous on this rank.
   *
   * @param sentence null if the run is over without a failure
   */
  private void end(@Nullable String sentence) {
    List<Runnable> toCall;
    synchronized (this) {
      ended = true;
      notifyAll();
      if (sentence == null || failure != null || closed) {
        return;
      }
      failure = sentence;
      toCall = List.copyOf(listeners);
    }
    toCall.forEach(Runnable::run);
  }

  public RankEnvironment environment() {
    return environment;
  }

  /** Returns how long a rank waits for another. */
  public Duration limit() {
    return limit;
  }

  /** Returns this rank's address on the way to rank 0. */
  public InetAddress localAddress() {
    return line.localAddress();
  }

  /** Returns rank 0's address as this rank reaches it. */
  public InetAddress masterAddress() {
    return line.remoteAddress();
  }

  /** Publishes a value to all ranks. */
  public void set(String key, byte[] value) {
    throwIfFailed();
    line.send(new RendezvousMessage(RendezvousMessage.Kind.SET, key, value));
  }

  /**
   * Waits for a value.
   *
   * @param setter the rank that sets it
   * @throws CommunicationException if it does not within the limit
   */
  public byte[] await(String key, int setter) {
    throwIfFailed();
    line.send(RendezvousMessage.of(RendezvousMessage.Kind.GET, key));
    await(
        limit,
        () -> values.containsKey(key),
        "rank %d to set \"%s\". Look at the output of rank %d, which may be stopped or busy."
            .formatted(setter, key, setter));
    synchronized (this) {
      return values.getOrDefault(key, new byte[0]).clone();
    }
  }

  /** Waits under this monitor for a condition or for a failure, which it throws. */
  private void await(Duration time, BooleanSupplier reached, String what) {
    boolean over = waitFor(time, () -> reached.getAsBoolean() || ended);
    throwIfFailed();
    if (!over || !isReached(reached)) {
      fail(
          "rank %d has waited %s for %s"
              .formatted(environment.globalRank(), Durations.text(time), what));
      throwIfFailed();
    }
  }

  private synchronized boolean isReached(BooleanSupplier reached) {
    return reached.getAsBoolean();
  }

  private synchronized boolean waitFor(Duration time, BooleanSupplier over) {
    long end = System.nanoTime() + time.toNanos();
    while (!over.getAsBoolean()) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      try {
        wait(left / 1_000_000 + 1);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommunicationException("interrupted while waiting for other ranks.");
      }
    }
    return true;
  }

  /** Returns what ended the run; null while it continues. */
  public synchronized @Nullable String failure() {
    return failure;
  }

  /**
   * Throws the run's failure, if there is one.
   *
   * @throws CommunicationException if a rank has failed
   */
  public synchronized void throwIfFailed() {
    if (failure != null) {
      throw new CommunicationException(failure);
    }
  }

  /** Waits briefly for the report of a failure that a broken connection makes likely. */
  public void awaitFailure(Duration patience) {
    waitFor(patience, () -> failure != null);
  }

  /** Registers a listener called once a rank has failed, perhaps on a thread of the rendezvous. */
  public void onFailure(Runnable listener) {
    synchronized (this) {
      if (failure == null) {
        listeners.add(listener);
        return;
      }
    }
    listener.run();
  }

  /**
   * Ends the run on every rank. Returns when the others have been told, or cannot be.
   *
   * @param sentence for the user; the first one is kept
   */
  public void fail(String sentence) {
    if (line.send(RendezvousMessage.of(RendezvousMessage.Kind.FAIL, sentence))) {
      waitFor(FAREWELL, () -> ended);
    }
    end(sentence);
  }

  /**
   * Leaves. Rank 0 waits until the others have left, so that they still hear of failures.
   *
   * @throws CommunicationException on rank 0, if others do not within the limit
   */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    line.send(RendezvousMessage.of(RendezvousMessage.Kind.BYE, ""));
    try {
      if (server != null) {
        server.close(limit);
      }
    } finally {
      line.close();
    }
  }
}
