package io.tanuki4j.comm;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** How rank 0 is reached. */
public final class MasterAddress {
  private static final int CONNECT_MILLIS = 5000;
  private static final int RETRY_MILLIS = 100;

  private MasterAddress() {}

  /** Whether all ranks are on one machine and talk over its loopback interface. */
  public static boolean isLoopback(RankEnvironment environment) {
    String name = environment.masterAddress();
    return name.equals("localhost") || name.startsWith("127.") || name.equals("::1");
  }

  /** Where rank 0 listens: loopback only if that is the address; null for every interface. */
  public static @Nullable InetAddress toBind(RankEnvironment environment)
      throws UnknownHostException {
    return isLoopback(environment) ? InetAddress.getByName(environment.masterAddress()) : null;
  }

  /**
   * Connects to rank 0's port as soon as it listens.
   *
   * @throws CommunicationException if it does not within the limit
   */
  static Socket connect(RankEnvironment environment, Duration limit) {
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      try {
        Socket socket = new Socket();
        socket.connect(
            new InetSocketAddress(environment.masterAddress(), environment.masterPort()),
            CONNECT_MILLIS);
        return socket;
      } catch (IOException e) {
        pauseOrGiveUp(environment, limit, end, e);
      }
    }
  }

  private static void pauseOrGiveUp(
      RankEnvironment environment, Duration limit, long end, IOException why) {
    if (System.nanoTime() > end) {
      throw new CommunicationException(
          "rank %d: rank 0 does not answer at %s:%d within %s (%s). Check MASTER_ADDR and MASTER_PORT, and whether rank 0 runs."
              .formatted(
                  environment.globalRank(),
                  environment.masterAddress(),
                  environment.masterPort(),
                  Durations.text(limit),
                  why));
    }
    pause();
  }

  /** The time between two attempts. */
  static void pause() {
    try {
      Thread.sleep(RETRY_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommunicationException("interrupted while connecting to rank 0.");
    }
  }
}
