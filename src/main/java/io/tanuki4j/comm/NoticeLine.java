package io.tanuki4j.comm;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.time.Duration;
import jdk.net.ExtendedSocketOptions;

/** A connection between a rank and rank 0's server. One thread reads, any may write. */
final class NoticeLine implements AutoCloseable {
  /** First bytes of a connection. */
  private static final int MAGIC = 0x54344A01;

  /** A machine that lost its power is noticed after about a minute. */
  private static final int KEEP_ALIVE_SECONDS = 20;

  private static final int KEEP_ALIVE_PROBES = 3;

  private final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;

  NoticeLine(Socket socket) throws IOException {
    this.socket = socket;
    in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
    out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
    socket.setTcpNoDelay(true);
    keepAlive(socket);
  }

  private static void keepAlive(Socket socket) throws IOException {
    socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
    if (socket.supportedOptions().contains(ExtendedSocketOptions.TCP_KEEPIDLE)) {
      socket.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS);
      socket.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, KEEP_ALIVE_SECONDS);
      socket.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, KEEP_ALIVE_PROBES);
    }
  }

  /** Begins the talk, from the rank's side. */
  void hello(Hello hello) throws IOException {
    out.writeInt(MAGIC);
    Notice.of(Notice.Kind.HELLO, hello.token()).write(out);
    out.writeInt(hello.globalRank());
    out.writeInt(hello.worldSize());
    out.flush();
  }

  /**
   * Hears who calls.
   *
   * @throws IOException if it is no rank, or says nothing in time
   */
  Hello hear(Duration patience) throws IOException {
    socket.setSoTimeout(Math.toIntExact(patience.toMillis()));
    if (in.readInt() != MAGIC) {
      throw new IOException("no rank of a run");
    }
    Hello hello = new Hello(Notice.read(in).text(), in.readInt(), in.readInt());
    socket.setSoTimeout(0);
    return hello;
  }

  Notice read() throws IOException {
    return Notice.read(in);
  }

  /** Returns whether the other side may have got it. */
  boolean send(Notice notice) {
    synchronized (out) {
      try {
        notice.write(out);
        return true;
      } catch (IOException e) {
        return false; // whoever reads from this connection learns that it is broken
      }
    }
  }

  InetAddress localAddress() {
    return socket.getLocalAddress();
  }

  InetAddress remoteAddress() {
    return socket.getInetAddress();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // it is not used any more
    }
  }

  /** What a rank says of itself. */
  record Hello(String token, int globalRank, int worldSize) {}
}
