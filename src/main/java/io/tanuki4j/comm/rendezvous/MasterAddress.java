package io.tanuki4j.comm.rendezvous;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.Durations;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.time.Duration;

/** Finds and connects to rank 0. */
public final class MasterAddress {
  private static final int CONNECT_MILLIS = 5000;
  private static final int RETRY_MILLIS = 100;

  private MasterAddress() {}

  /**
   * Finds the address at which rank 0 listens: the one that all ranks were given, and no other. If
   * this machine does not have that address, because a network in between translates it, rank 0
   * listens at that of GLOO_SOCKET_IFNAME.
   *
   * @throws IOException if there is no such address
   */
  public static InetAddress toBind(MeetingPoint meeting) throws IOException {
    InetAddress address = resolve(meeting);
    if (NetworkInterface.getByInetAddress(address) != null || address.isLoopbackAddress()) {
      return address;
    }
    String wanted = meeting.networkInterface();
    if (wanted == null) {
      throw new IOException(
          "%s is no address of this machine. Give MASTER_ADDR as it is there, or the interface by GLOO_SOCKET_IFNAME"
              .formatted(address.getHostAddress()));
    }
    return OwnAddress.ofInterface(wanted, address);
  }

  /**
   * Returns the address of rank 0's machine. Many machines resolve their own name to a loopback
   * address, while the others see another.
   */
  private static InetAddress resolve(MeetingPoint meeting) throws IOException {
    InetAddress named = InetAddress.getByName(meeting.address());
    return named.isLoopbackAddress() && !meeting.isLoopback()
        ? OwnAddress.beyondLoopback(named)
        : named;
  }

  /**
   * Connects to rank 0's port as soon as it listens.
   *
   * @param start when the time limit began, by {@link System#nanoTime}
   * @throws CommunicationException if it does not within the limit
   */
  static Socket connect(RankEnvironment environment, long start, Duration limit) {
    MeetingPoint meeting = environment.meeting();
    long end = start + limit.toNanos();
    while (true) {
      Socket socket = new Socket();
      try {
        InetAddress host = environment.globalRank() == 0 ? toBind(meeting) : resolve(meeting);
        socket.connect(new InetSocketAddress(host, meeting.port()), CONNECT_MILLIS);
        return socket;
      } catch (IOException e) {
        RendezvousConnection.close(socket);
        pauseOrGiveUp(environment, limit, end, e);
      }
    }
  }

  private static void pauseOrGiveUp(
      RankEnvironment environment, Duration limit, long end, IOException why) {
    if (System.nanoTime() > end) {
      throw new CommunicationException(
          "rank %d: rank 0 does not answer at %s within %s (%s). Check MASTER_ADDR and MASTER_PORT, and whether rank 0 runs."
              .formatted(
                  environment.globalRank(),
                  environment.meeting(),
                  Durations.text(limit),
                  why.getMessage()));
    }
    pause();
  }

  /** Pauses between two attempts. */
  public static void pause() {
    try {
      Thread.sleep(RETRY_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommunicationException("interrupted while connecting to other ranks.");
    }
  }
}
