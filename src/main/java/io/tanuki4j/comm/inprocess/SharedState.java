package io.tanuki4j.comm.inprocess;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.error.FailureSentence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The state that the threads of a run share, and the one monitor under which they wait: which ranks
 * have ended, what failed first, and the state of each group.
 */
final class SharedState {
  private final int size;
  private final Duration limit;
  private final boolean[] ended;
  private final List<Creation> creations = new ArrayList<>();
  private final Map<String, GroupState> rooms = new HashMap<>();
  private List<Thread> threads = List.of();
  private int numEnded;
  private @Nullable String failure;
  private @Nullable Throwable firstDeath;

  SharedState(int size, Duration limit) {
    this.size = size;
    this.limit = limit;
    this.ended = new boolean[size];
  }

  int size() {
    return size;
  }

  synchronized void start(List<Thread> ranks) {
    threads = List.copyOf(ranks);
    threads.forEach(Thread::start);
  }

  /** Returns the state of a group; the first of its ranks creates it. */
  synchronized GroupState room(int creation, List<List<Integer>> groups, Members members) {
    throwIfFailed();
    Creation theirs = new Creation(members.name(), groups);
    if (creation == creations.size()) {
      creations.add(theirs);
    }
    if (!creations.get(creation).equals(theirs)) {
      fail(
          "groups #%d: rank %d makes %s, another rank %s. All ranks must make the same groups in the same order."
              .formatted(creation + 1, members.globalRank(), theirs, creations.get(creation)));
      throwIfFailed();
    }
    return rooms.computeIfAbsent(
        "%d.%d".formatted(creation, members.index()), key -> new GroupState(this, members));
  }

  private record Creation(String name, List<List<Integer>> groups) {
    @Override
    public String toString() {
      return "\"%s\" %s".formatted(name, groups);
    }
  }

  /**
   * Records that a rank has ended.
   *
   * @param cause null if the rank did all of its work
   */
  synchronized void ended(int rank, @Nullable Throwable cause) {
    ended[rank] = true;
    numEnded++;
    if (cause != null) {
      failed(rank, cause, FailureSentence.of(cause));
    }
    notifyAll();
  }

  /** Records that a rank has failed but not ended yet. */
  synchronized void failed(int rank, Throwable cause, String reason) {
    if (firstDeath == null) {
      firstDeath = cause;
    }
    fail("rank %d failed: %s".formatted(rank, reason));
  }

  /** Ends all communication; the first sentence is kept. */
  synchronized void fail(String sentence) {
    if (failure == null) {
      failure = sentence;
    }
    notifyAll();
  }

  synchronized void throwIfFailed() {
    if (failure != null) {
      throw new CommunicationException(failure);
    }
  }

  synchronized @Nullable Throwable firstDeath() {
    return firstDeath;
  }

  /** Waits for all ranks, but after a failure no longer than the grace period. */
  synchronized void awaitEnd(Duration grace) throws InterruptedException {
    long failedAt = 0;
    while (numEnded < size) {
      if (failure == null) {
        wait();
      } else {
        failedAt = failedAt == 0 ? System.nanoTime() : failedAt;
        long left = grace.toNanos() - (System.nanoTime() - failedAt);
        if (left <= 0) {
          return;
        }
        wait(millis(left));
      }
    }
  }

  /**
   * Waits under this monitor until others have done their part.
   *
   * @param over becomes true under this monitor
   * @param absence names the ranks being waited for
   */
  synchronized void await(BooleanSupplier over, Supplier<MissingRanks> absence) {
    long start = System.nanoTime();
    while (!over.getAsBoolean()) {
      throwIfFailed();
      long left = limit.toNanos() - (System.nanoTime() - start);
      MissingRanks missing = absence.get();
      List<Integer> gone = missing.ranks().stream().filter(rank -> ended[rank]).toList();
      if (!gone.isEmpty()) {
        fail("%s: ranks %s have ended and did not arrive.".formatted(missing.what(), gone));
      } else if (left <= 0 && !missing.ranks().isEmpty()) {
        fail(
            "%s: ranks %s arrived, %s did not within %s.%s"
                .formatted(
                    missing.what(),
                    missing.arrived(),
                    missing.ranks(),
                    seconds(),
                    places(missing)));
      } else {
        waitFor(Math.max(left, 0));
      }
    }
  }

  private void waitFor(long nanos) {
    try {
      wait(millis(nanos));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommunicationException("interrupted while waiting for other ranks.");
    }
  }

  private static long millis(long nanos) {
    return nanos / 1_000_000 + 1;
  }

  private String seconds() {
    long millis = limit.toMillis();
    return millis % 1000 == 0 ? millis / 1000 + " s" : millis / 1000.0 + " s";
  }

  private String places(MissingRanks missing) {
    StringBuilder text = new StringBuilder();
    for (int rank : missing.ranks()) {
      CodePlace.of(threads.get(rank).getStackTrace())
          .ifPresent(place -> text.append(" Rank %d is in %s.".formatted(rank, place)));
    }
    return text.toString();
  }

  /** Drops everything that ranks posted and did not complete. */
  synchronized void close() {
    new ArrayList<>(rooms.values()).forEach(GroupState::close);
    rooms.clear();
  }
}
