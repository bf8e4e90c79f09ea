package io.tanuki4j.comm.socket;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.Durations;
import io.tanuki4j.comm.rendezvous.Call;
import io.tanuki4j.comm.rendezvous.Door;
import io.tanuki4j.comm.rendezvous.Greeting;
import io.tanuki4j.comm.rendezvous.MasterAddress;
import io.tanuki4j.comm.rendezvous.OwnAddress;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import io.tanuki4j.error.FailureSentence;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Connects this rank to others: in each pair, the higher rank calls and the lower one answers. */
final class PeerListener implements AutoCloseable, Door.Host {
  /** The time that connecting and the other side's greeting may take before another attempt. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final int BACKLOG = 1024;

  private final Rendezvous rendezvous;
  private final Map<Caller, SocketChannel> callers = new HashMap<>();
  private final Door door;
  private boolean closed;

  private PeerListener(Rendezvous rendezvous, ServerSocketChannel listening) throws IOException {
    this.rendezvous = rendezvous;
    door = Door.open(listening, rendezvous.environment().meeting().key(), this);
  }

  /** Identifies one of a rank's connections. */
  private record Caller(int creation, int globalRank) {}

  /** Listens at a free port, and publishes it to all ranks. */
  static PeerListener open(Rendezvous rendezvous) {
    int rank = rendezvous.environment().globalRank();
    try {
      InetAddress own = OwnAddress.of(rendezvous);
      InetAddress bound =
          rank == 0 ? MasterAddress.toBind(rendezvous.environment().meeting()) : own;
      ServerSocketChannel listening = ServerSocketChannel.open();
      listening.bind(new InetSocketAddress(bound, 0), BACKLOG);
      int port = ((InetSocketAddress) listening.getLocalAddress()).getPort();
      PeerListener listener = new PeerListener(rendezvous, listening);
      rendezvous.set(key(rank), "%s %d".formatted(own.getHostAddress(), port).getBytes(UTF_8));
      rendezvous.onFailure(listener::wake);
      return listener;
    } catch (IOException e) {
      throw new CommunicationException(
          "rank %d cannot listen for the other ranks: %s.".formatted(rank, e.getMessage()));
    }
  }

  private static String key(int globalRank) {
    return "address/" + globalRank;
  }

  @Override
  public String name() {
    return "rank " + own();
  }

  private int own() {
    return rendezvous.environment().globalRank();
  }

  @Override
  public synchronized void admit(Call call, SocketChannel channel) throws IOException {
    boolean meant = call.purpose() == Call.Purpose.COLLECTIVES && call.to() == own();
    if (closed || !meant) {
      channel.close();
      return;
    }
    SocketChannel before = callers.put(new Caller(call.number(), call.from()), channel);
    if (before != null) {
      before.close();
    }
    notifyAll();
  }

  @Override
  public void broken(Throwable cause) {
    rendezvous.fail(
        "rank %d cannot listen for the other ranks any more: %s"
            .formatted(own(), FailureSentence.of(cause)));
  }

  /**
   * Returns the connection to a rank for the n-th set of groups. Both sides ask for it.
   *
   * @throws CommunicationException if it is not established within the limit
   */
  SocketChannel connect(int creation, int peer) {
    try {
      SocketChannel channel =
          peer < own() ? call(creation, peer) : awaitCaller(new Caller(creation, peer));
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.configureBlocking(false);
      return channel;
    } catch (IOException e) {
      rendezvous.fail(
          "rank %d cannot connect to rank %d: %s. Check that the machines reach each other, or set GLOO_SOCKET_IFNAME."
              .formatted(own(), peer, e.getMessage()));
      rendezvous.throwIfFailed();
      throw new IllegalStateException("a failed run goes on", e);
    }
  }

  /** Calls again if the other side hangs up or sends nothing: strangers may be in the way. */
  private SocketChannel call(int creation, int peer) throws IOException {
    InetSocketAddress address = address(peer);
    Call call = new Call(Call.Purpose.COLLECTIVES, own(), peer, creation);
    long end = System.nanoTime() + rendezvous.limit().toNanos();
    while (true) {
      rendezvous.throwIfFailed();
      SocketChannel channel = connected(address);
      try {
        Greeting.call(channel.socket(), rendezvous.environment().meeting().key(), call, PATIENCE);
        return channel;
      } catch (IOException e) {
        channel.close();
        if (e instanceof Greeting.StrangerException || System.nanoTime() > end) {
          throw e;
        }
      }
      MasterAddress.pause();
    }
  }

  private InetSocketAddress address(int peer) throws IOException {
    String[] words = new String(rendezvous.await(key(peer), peer), UTF_8).split(" ", 2);
    InetAddress host = peer == 0 ? rendezvous.masterAddress() : InetAddress.getByName(words[0]);
    return new InetSocketAddress(host, Integer.parseInt(words[1]));
  }

  private static SocketChannel connected(InetSocketAddress address) throws IOException {
    SocketChannel channel = SocketChannel.open();
    try {
      channel.socket().connect(address, Math.toIntExact(PATIENCE.toMillis()));
      return channel;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  private synchronized SocketChannel awaitCaller(Caller caller) throws IOException {
    long end = System.nanoTime() + rendezvous.limit().toNanos();
    SocketChannel channel = callers.remove(caller);
    while (channel == null) {
      rendezvous.throwIfFailed();
      long left = end - System.nanoTime();
      if (left <= 0) {
        throw new IOException("it has not called within " + Durations.text(rendezvous.limit()));
      }
      pause(left);
      channel = callers.remove(caller);
    }
    return channel;
  }

  private void pause(long nanos) {
    try {
      wait(nanos / 1_000_000 + 1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommunicationException("interrupted while connecting to other ranks.");
    }
  }

  private synchronized void wake() {
    notifyAll();
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      callers.values().forEach(PeerListener::close);
    }
    door.close();
  }

  private static void close(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // it is not used any more
    }
  }
}
