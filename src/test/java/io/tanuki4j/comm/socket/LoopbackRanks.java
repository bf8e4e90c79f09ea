package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.RankBody;
import io.tanuki4j.comm.rendezvous.MeetingPoint;
import io.tanuki4j.comm.rendezvous.RankEnvironment;
import io.tanuki4j.comm.rendezvous.RankProcess;
import io.tanuki4j.comm.rendezvous.RunKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** Ranks that believe to be processes, each in a thread, over the loopback interface. */
public final class LoopbackRanks {
  private LoopbackRanks() {}

  public static RankEnvironment environment(int rank, int worldSize, int port) {
    MeetingPoint meeting =
        new MeetingPoint("127.0.0.1", port, RunKey.of("", "test"), null, MeetingPoint.JOIN_LIMIT);
    return new RankEnvironment(rank, worldSize, rank, worldSize, 1, meeting);
  }

  public static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Throws what the first rank to fail threw: what is no consequence of another's failure. */
  public static void run(int numRanks, Duration limit, RankBody body) {
    int port = freePort();
    List<FutureTask<@Nullable Void>> tasks = new ArrayList<>();
    for (int rank = 0; rank < numRanks; rank++) {
      RankEnvironment environment = environment(rank, numRanks, port);
      tasks.add(
          start(
              "rank " + rank,
              () -> RankProcess.run(environment, limit, SocketFactory::open, body)));
    }
    throwFirst(failures(tasks));
  }

  interface Task {
    void run() throws Exception;
  }

  static FutureTask<@Nullable Void> start(String name, Task work) {
    FutureTask<@Nullable Void> task =
        new FutureTask<>(
            () -> {
              work.run();
              return null;
            });
    new Thread(task, name).start();
    return task;
  }

  /** What a task threw, once it is over; null if nothing. */
  static @Nullable Throwable failure(FutureTask<@Nullable Void> task) {
    try {
      task.get();
      return null;
    } catch (ExecutionException e) {
      return e.getCause();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<@Nullable Throwable> failures(List<FutureTask<@Nullable Void>> tasks) {
    List<@Nullable Throwable> failures = new ArrayList<>();
    tasks.forEach(task -> failures.add(failure(task)));
    return failures;
  }

  private static void throwFirst(List<@Nullable Throwable> failures) {
    @Nullable Throwable first = null;
    for (Throwable failure : failures) {
      boolean original = failure != null && !(failure instanceof CommunicationException);
      if (first == null || (original && first instanceof CommunicationException)) {
        first = failure;
      }
    }
    if (first instanceof Error error) {
      throw error;
    }
    if (first instanceof RuntimeException failure) {
      throw failure;
    }
    if (first != null) {
      throw new IllegalStateException(first);
    }
  }
}
