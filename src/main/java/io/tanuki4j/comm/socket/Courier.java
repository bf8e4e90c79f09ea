package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.Durations;
import io.tanuki4j.comm.GroupMembers;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import io.tanuki4j.error.FailureSentence;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The thread of a group: carries out its transfers one after another. */
final class Courier implements AutoCloseable {
  /** The time in which news of a dead rank arrives; a connection to it breaks a little earlier. */
  private static final Duration NEWS = Duration.ofSeconds(2);

  private final GroupMembers members;
  private final Mesh mesh;
  private final Rendezvous rendezvous;
  private final Thread thread;
  private final Deque<PendingWork> queue = new ArrayDeque<>();
  private boolean closed;

  Courier(GroupMembers members, Mesh mesh, Rendezvous rendezvous) {
    this.members = members;
    this.mesh = mesh;
    this.rendezvous = rendezvous;
    this.thread =
        new Thread(this::run, "%s of rank %d".formatted(members.name(), members.globalRank()));
    thread.setDaemon(true);
    thread.start();
  }

  PendingWork post(Transfer transfer) {
    PendingWork work = new PendingWork(transfer);
    synchronized (this) {
      if (closed) {
        transfer.close();
        throw new IllegalStateException(members + " is closed");
      }
      queue.add(work);
      notifyAll();
    }
    return work;
  }

  private void run() {
    PendingWork next = take();
    while (next != null) {
      next.end(carryOut(next.transfer()));
      next = take();
    }
    mesh.close();
  }

  private synchronized @Nullable PendingWork take() {
    try {
      while (queue.isEmpty() && !closed) {
        wait();
      }
    } catch (InterruptedException e) {
      closed = true; // none of our threads interrupts it
    }
    return queue.poll();
  }

  /** Carries out a transfer; returns the sentence of a failure, or null. */
  private @Nullable String carryOut(Transfer transfer) {
    try {
      rendezvous.throwIfFailed();
      transfer.run(mesh);
      return null;
    } catch (Mesh.StepException e) {
      return explain(transfer, e);
    } catch (CommunicationException e) {
      return fail(String.valueOf(e.getMessage()));
    } catch (RuntimeException | Error e) {
      return fail("rank %d failed: %s".formatted(members.globalRank(), FailureSentence.of(e)));
    } finally {
      transfer.close();
    }
  }

  private String explain(Transfer transfer, Mesh.StepException failure) {
    String what = "%s on group \"%s\"".formatted(transfer.what(), members.name());
    List<Integer> missing = failure.peers().stream().map(members.globalRanks()::get).toList();
    if (failure.isLate()) {
      List<Integer> arrived = new ArrayList<>(members.globalRanks());
      arrived.removeAll(missing);
      return fail(
          "%s: ranks %s arrived, %s did not within %s. Look at the output of ranks %s."
              .formatted(what, arrived, missing, Durations.text(rendezvous.limit()), missing));
    }
    rendezvous.awaitFailure(NEWS);
    return fail("%s: ranks %s have ended and did not arrive.".formatted(what, missing));
  }

  /** Tells all ranks, and returns the first failure. */
  private String fail(String sentence) {
    if (rendezvous.failure() == null && !isClosed()) {
      rendezvous.fail(sentence);
    }
    String first = rendezvous.failure();
    return first == null ? sentence : first;
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  /** Drops the transfers that were not carried out; none touches the tensors afterwards. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    mesh.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
