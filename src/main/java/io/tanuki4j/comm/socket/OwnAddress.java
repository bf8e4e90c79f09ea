package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.MasterAddress;
import io.tanuki4j.comm.RankEnvironment;
import io.tanuki4j.comm.Rendezvous;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/** Which of a machine's addresses the other ranks shall connect to. */
final class OwnAddress {
  private OwnAddress() {}

  /**
   * The address of the interface that was asked for, or else the one that reaches rank 0. Where
   * that is the loopback interface, because this rank is on rank 0's machine, but others are not:
   * an address of another interface.
   *
   * @throws IOException if there is no such interface
   */
  static InetAddress of(Rendezvous rendezvous) throws IOException {
    RankEnvironment environment = rendezvous.environment();
    InetAddress toMaster = rendezvous.localAddress();
    String wanted = environment.networkInterface();
    if (wanted != null) {
      return ofInterface(wanted, toMaster);
    }
    if (toMaster.isLoopbackAddress() && !MasterAddress.isLoopback(environment)) {
      return interfaces()
          .filter(each -> !isLoopback(each))
          .flatMap(each -> best(each, toMaster).stream())
          .findFirst()
          .orElse(toMaster);
    }
    return toMaster;
  }

  private static InetAddress ofInterface(String name, InetAddress like) throws IOException {
    NetworkInterface found = NetworkInterface.getByName(name);
    Optional<InetAddress> address = found == null ? Optional.empty() : best(found, like);
    return address.orElseThrow(
        () ->
            new IOException(
                "GLOO_SOCKET_IFNAME: %s (expected: an interface with an address, one of %s)"
                    .formatted(name, names())));
  }

  /** An address of the same family first, and none that holds on one link only. */
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
