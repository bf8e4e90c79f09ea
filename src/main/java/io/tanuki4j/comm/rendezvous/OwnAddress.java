package io.tanuki4j.comm.rendezvous;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/** Chooses which of a machine's addresses the other ranks connect to. */
public final class OwnAddress {
  private OwnAddress() {}

  /**
   * Returns the address of the requested interface, or else the one that reaches rank 0. A rank on
   * rank 0's machine reaches it by loopback; if other machines take part, this returns another
   * interface's address.
   *
   * @throws IOException if there is no such interface
   */
  public static InetAddress of(Rendezvous rendezvous) throws IOException {
    MeetingPoint meeting = rendezvous.environment().meeting();
    InetAddress toMaster = rendezvous.localAddress();
    String wanted = meeting.networkInterface();
    if (wanted != null) {
      return ofInterface(wanted, toMaster);
    }
    return toMaster.isLoopbackAddress() && !meeting.isLoopback()
        ? beyondLoopback(toMaster)
        : toMaster;
  }

  /** Returns an address that other machines can reach; the given one if there is none. */
  static InetAddress beyondLoopback(InetAddress like) throws SocketException {
    return interfaces()
        .filter(each -> !isLoopback(each))
        .flatMap(each -> best(each, like).stream())
        .findFirst()
        .orElse(like);
  }

  static InetAddress ofInterface(String name, InetAddress like) throws IOException {
    NetworkInterface found = NetworkInterface.getByName(name);
    Optional<InetAddress> address = found == null ? Optional.empty() : best(found, like);
    return address.orElseThrow(
        () ->
            new IOException(
                "GLOO_SOCKET_IFNAME: %s (expected: an interface with an address, one of %s)"
                    .formatted(name, names())));
  }

  /**
   * Returns the best address of an interface: the same family first, and none that is valid on one
   * link only.
   */
  private static Optional<InetAddress> best(NetworkInterface each, InetAddress like) {
    return each.inetAddresses()
        .filter(address -> !address.isLinkLocalAddress())
        .min(Comparator.comparing(address -> address.getClass() != like.getClass()));
  }

  private static boolean isLoopback(NetworkInterface each) {
    try {
      return each.isLoopback();
    } catch (SocketException e) {
      return true; // it cannot be asked, so it cannot be used
    }
  }

  private static Stream<NetworkInterface> interfaces() throws SocketException {
    return NetworkInterface.networkInterfaces();
  }

  private static String names() {
    try {
      return String.join(", ", interfaces().map(NetworkInterface::getName).toList());
    } catch (SocketException e) {
      return "those of this machine";
    }
  }
}
