package io.tanuki4j.comm.rendezvous;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import jdk.net.ExtendedSocketOptions;

/** A connection between a rank and rank 0's server. One thread reads; any thread may write. */
final class RendezvousConnection implements AutoCloseable {
  /** Detects a machine that lost power within about a minute. */
  private static final int KEEP_ALIVE_SECONDS = 20;

  private static final int KEEP_ALIVE_PROBES = 3;

  private final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;

  RendezvousConnection(Socket socket) throws IOException {
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

  RendezvousMessage read() throws IOException {
    return RendezvousMessage.read(in);
  }

  /** Sends a message; returns whether the other side may have got it. */
  boolean send(RendezvousMessage notice) {
    synchronized (out) {
      try {
        notice.write(out);
        return true;
      } catch (IOException e) {
        return false; // the thread that reads from this connection learns that it is broken
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
    close(socket);
  }

  static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // it is not used any more
    }
  }
}
