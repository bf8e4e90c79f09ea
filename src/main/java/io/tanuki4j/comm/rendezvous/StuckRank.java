package io.tanuki4j.comm.rendezvous;

import io.tanuki4j.comm.CommunicationException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ends the process of a rank that a failure does not reach, since it waits for a device that never
 * answers, or for something else than the other ranks.
 */
final class StuckRank implements AutoCloseable {
  /** A rank that is told of a failure has as long to end; launchers grant somewhat more. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Rendezvous rendezvous;
  private final CountDownLatch ended = new CountDownLatch(1);

  StuckRank(Rendezvous rendezvous) {
    this.rendezvous = rendezvous;
    rendezvous.onFailure(this::watch);
  }

  private void watch() {
    Thread watch = new Thread(this::stopUnlessEnded, "watch over a rank that may be stuck");
    watch.setDaemon(true);
    watch.start();
  }

  private void stopUnlessEnded() {
    try {
      if (ended.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    System.err.printf(
        "tanuki4j: rank %d is stuck and stops %d s after this failure: %s%n",
        rendezvous.environment().globalRank(), PATIENCE.toSeconds(), rendezvous.failure());
    Runtime.getRuntime().halt(CommunicationException.EXIT_CODE);
  }

  /** Says that the rank has ended in its own way. */
  @Override
  public void close() {
    ended.countDown();
  }
}
