package io.tanuki4j.comm.rendezvous;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Where the ranks of a run meet, and how they know each other.
 *
 * @param address name or address of the machine of rank 0
 * @param port at which rank 0 listens
 * @param key what the ranks of one run have in common; others are refused
 * @param networkInterface whose address others shall use; null for the one that reaches rank 0
 * @param joinLimit within which all ranks have to come
 */
public record MeetingPoint(
    String address, int port, RunKey key, @Nullable String networkInterface, Duration joinLimit) {
  /** What ranks that start together need at most, with what telling them of a missing one takes. */
  public static final Duration JOIN_LIMIT = Duration.ofSeconds(55);

  /** Whether all ranks are on one machine and talk over its loopback interface. */
  public boolean isLoopback() {
    return isLoopback(address);
  }

  /** Whether an address can only be that of the machine itself. */
  public static boolean isLoopback(String address) {
    return address.equals("localhost") || address.startsWith("127.") || address.equals("::1");
  }

  /** For example {@code node7:29500}. */
  @Override
  public String toString() {
    return address + ":" + port;
  }
}
