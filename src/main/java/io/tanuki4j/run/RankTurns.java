package io.tanuki4j.run;

import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.error.Unchecked;
import io.tanuki4j.parallel.Agreement;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs the same work rank by rank, so that later ranks find the files the first one wrote. Waiting
 * ranks keep meeting at short intervals, so no collective times out.
 */
final class RankTurns {
  /** First rank 0, then a rank of each other machine, which may have other disks, then all. */
  private static final int NUM_TURNS = 3;

  private static final long MEETING_MILLIS = 500;

  private final RankConnection seat;
  private final Agreement agreement;

  /**
   * @param agreement of all ranks
   */
  RankTurns(RankConnection seat, Agreement agreement) {
    this.seat = seat;
    this.agreement = agreement;
  }

  /**
   * Runs the work in this rank's turn; every rank calls it.
   *
   * @param work runs on a thread of its own, unless there is one rank only
   */
  <T> T run(Supplier<T> work) {
    if (seat.worldSize() == 1) {
      return work.get();
    }
    FutureTask<T> task = new FutureTask<>(work::get);
    @Nullable T result = null;
    for (int turn = 0; turn < NUM_TURNS; turn++) {
      if (turn == ownTurn()) {
        start(task);
      }
      boolean pending;
      do {
        result = turn < ownTurn() || result != null ? result : resultSoon(task);
        pending = turn >= ownTurn() && result == null;
      } while (agreement.largest(pending ? 1 : 0) > 0);
    }
    return Objects.requireNonNull(result);
  }

  private void start(Runnable task) {
    Thread thread = new Thread(task, "work of rank " + seat.globalRank());
    thread.setDaemon(true);
    thread.start();
  }

  private int ownTurn() {
    if (seat.globalRank() == 0) {
      return 0;
    }
    return seat.localRank() == 0 ? 1 : 2;
  }

  /**
   * Returns the result; null if it is not there shortly. Throws a failure at once, so that the
   * other ranks learn of it.
   */
  private static <T> @Nullable T resultSoon(FutureTask<T> task) {
    try {
      return task.get(MEETING_MILLIS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while work was under way", e);
    } catch (ExecutionException e) {
      throw Unchecked.of("work failed", e.getCause());
    }
  }
}
