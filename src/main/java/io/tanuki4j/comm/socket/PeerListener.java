package io.tanuki4j.comm.socket;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.Durations;
import io.tanuki4j.comm.MasterAddress;
import io.tanuki4j.comm.Rendezvous;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.HashMap;
import java.util.Map;

/** Connects this rank with others: of two ranks, the greater calls and the lesser answers. */
final class PeerListener implements AutoCloseable {
  private static final int MAGIC = 0x54344A02;
  private static final int PATIENCE_MILLIS = 10_000;
  private static final int BACKLOG = 1024;

  private final Rendezvous rendezvous;
  private final ServerSocketChannel server;
  private final Map<Caller, SocketChannel> callers = new HashMap<>();
  private boolean closed;

  private PeerListener(Rendezvous rendezvous, ServerSocketChannel server) {
    this.rendezvous = rendezvous;
    this.server = server;
  }

  /** Which of a rank's connections it is. */
  private record Caller(int creation, int globalRank) {}

  /** Listens at a free port, and tells all ranks at which. */
  static PeerListener open(Rendezvous rendezvous) {
    int rank = rendezvous.environment().globalRank();
    try {
      InetAddress own = OwnAddress.of(rendezvous);
      InetAddress bound = rank == 0 ? MasterAddress.toBind(rendezvous.environment()) : own;
      ServerSocketChannel server = ServerSocketChannel.open();
      server.bind(new InetSocketAddress(bound, 0), BACKLOG);
      PeerListener listener = new PeerListener(rendezvous, server);
      int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
      rendezvous.set(key(rank), "%s %d".formatted(own.getHostAddress(), port).getBytes(UTF_8));
      startThread("listener of rank " + rank, listener::acceptAll);
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

  private static void startThread(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void acceptAll() {
    try {
      while (true) {
        SocketChannel channel = server.accept();
        startThread("greeting", () -> greet(channel));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void greet(SocketChannel channel) {
    try {
      channel.socket().setSoTimeout(PATIENCE_MILLIS);
      DataInputStream in = new DataInputStream(channel.socket().getInputStream());
      boolean ours =
          in.readInt() == MAGIC && in.readUTF().equals(rendezvous.environment().runToken());
      if (ours) {
        keep(new Caller(in.readInt(), in.readInt()), channel);
      } else {
        channel.close();
      }
    } catch (IOException e) {
      // a stranger, or a rank that is gone, of which the rendezvous tells
    }
  }

  private synchronized void keep(Caller caller, SocketChannel channel) throws IOException {
    if (closed) {
      channel.close();
    } else {
      callers.put(caller, channel);
      notifyAll();
    }
  }

  /**
   * The connection with a rank for the groups that were made as the n-th. Both sides ask for it.
   *
   * @throws CommunicationException if it does not come about within the limit
   */
  SocketChannel connect(int creation, int peer) {
    int own = rendezvous.environment().globalRank();
    try {
      SocketChannel channel =
          peer < own ? call(creation, peer) : awaitCaller(new Caller(creation, peer));
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.configureBlocking(false);
      return channel;
    } catch (IOException e) {
      rendezvous.fail(
          "rank %d cannot connect to rank %d: %s. Check that the machines reach each other, or set GLOO_SOCKET_IFNAME."
              .formatted(own, peer, e.getMessage()));
      rendezvous.throwIfFailed();
      throw new IllegalStateException("a failed run goes on", e);
    }
  }

  private SocketChannel call(int creation, int peer) throws IOException {
    String[] address = new String(rendezvous.await(key(peer)), UTF_8).split(" ", 2);
    InetAddress host = peer == 0 ? rendezvous.masterAddress() : InetAddress.getByName(address[0]);
    SocketChannel channel = SocketChannel.open();
    channel
        .socket()
        .connect(new InetSocketAddress(host, Integer.parseInt(address[1])), PATIENCE_MILLIS);
    DataOutputStream out = new DataOutputStream(channel.socket().getOutputStream());
    out.writeInt(MAGIC);
    out.writeUTF(rendezvous.environment().runToken());
    out.writeInt(creation);
    out.writeInt(rendezvous.environment().globalRank());
    return channel;
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
  public synchronized void close() {
    closed = true;
    try {
      server.close();
      for (SocketChannel caller : callers.values()) {
        caller.close();
      }
    } catch (IOException e) {
      // they are not used any more
    }
  }
}
