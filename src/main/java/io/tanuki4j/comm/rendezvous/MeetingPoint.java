package io.tanuki4j.comm.rendezvous;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Where the ranks of a run meet, and how they recognise each other.
 *
 * @param address name or address of the machine of rank 0
 * @param port at which rank 0 listens
 * @param key shared by the ranks of one run; others are refused
 * @param networkInterface whose address others use; null for the one that reaches rank 0
 * @param joinLimit within which all ranks have to join
 */
public record MeetingPoint(
    String address, int port, RunKey key, @Nullable String networkInterface, Duration joinLimit) {
  /** The longest that ranks started together need, including the time to report a missing one. */
  public static final Duration JOIN_LIMIT = Duration.ofSeconds(55);

  /** Returns whether all ranks are on one machine and talk over its loopback interface. */
  public boolean isLoopback() {
    return isLoopback(address);
  }

  /** Returns whether an address can only be the machine's own. */
  public static boolean isLoopback(String address) {
    return address.equals("localhost") || address.startsWith("127.") || address.equals("::1");
  }

  /** Returns the address and port, for example {@code node7:29500}. */
  @Override
  public String toString() {
    return address + ":" + port;
  }
}
