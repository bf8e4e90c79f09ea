package io.tanuki4j.comm.inprocess;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.RankBody;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.error.Unchecked;
import io.tanuki4j.kernel.Device;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** Runs ranks as threads. */
public final class RankThreads {
  /** The time that the other ranks have to end by themselves after a failure. */
  private static final Duration GRACE = Duration.ofSeconds(30);

  private RankThreads() {}

  private record Seat(SharedState world, int globalRank) implements RankConnection {
    @Override
    public int worldSize() {
      return world.size();
    }

    @Override
    public int localRank() {
      return globalRank;
    }

    @Override
    public int localWorldSize() {
      return world.size();
    }

    @Override
    public ProcessGroupFactory processGroups(Device device) {
      return new InProcessFactory(world, globalRank, device);
    }

    @Override
    public void failed(Throwable cause, String reason) {
      world.failed(globalRank, cause, reason);
    }
  }

  /**
   * Runs the body once for each rank and returns when all have ended. If one fails, the others'
   * communication fails, and the first failure is thrown.
   *
   * @param limit how long a rank waits for another
   * @throws CommunicationException if the first failure is that ranks could not meet
   * @throws IllegalStateException wrapping a checked exception of a rank
   */
  public static void run(int worldSize, Duration limit, RankBody body) {
    SharedState world = new SharedState(worldSize, limit);
    List<Thread> threads = new ArrayList<>();
    for (int rank = 0; rank < worldSize; rank++) {
      threads.add(thread(new Seat(world, rank), body));
    }
    world.start(threads);
    try {
      join(world, threads);
    } finally {
      world.close();
    }
    Throwable cause = world.firstDeath();
    if (cause != null) {
      throw Unchecked.of("a rank failed", cause);
    }
  }

  private static Thread thread(Seat seat, RankBody body) {
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              body.run(seat);
              return null;
            }) {
          @Override
          protected void done() {
            seat.world.ended(seat.globalRank, failure(this));
          }
        };
    Thread thread = new Thread(task, "rank " + seat.globalRank);
    thread.setDaemon(true); // a stuck rank does not keep the program from ending
    return thread;
  }

  private static @Nullable Throwable failure(FutureTask<Void> task) {
    try {
      task.get();
      return null;
    } catch (ExecutionException e) {
      return e.getCause();
    } catch (InterruptedException e) {
      return e;
    }
  }

  private static void join(SharedState world, List<Thread> threads) {
    try {
      world.awaitEnd(GRACE);
      for (Thread thread : threads) {
        thread.interrupt(); // only a rank that did not end within the grace period still sees it
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      world.fail("the run was interrupted");
      throw new CommunicationException("the ranks were interrupted.");
    }
  }
}
