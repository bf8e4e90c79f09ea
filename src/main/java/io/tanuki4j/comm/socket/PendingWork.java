package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.Work;
import org.jspecify.annotations.Nullable;

/** A transfer handed to the thread of its group. */
final class PendingWork implements Work {
  private final Transfer transfer;
  private boolean over;
  private boolean awaited;
  private @Nullable String failure;

  PendingWork(Transfer transfer) {
    this.transfer = transfer;
  }

  Transfer transfer() {
    return transfer;
  }

  /**
   * Completes the work.
   *
   * @param sentence what went wrong; null if nothing
   */
  synchronized void end(@Nullable String sentence) {
    over = true;
    failure = sentence;
    notifyAll();
  }

  @Override
  public synchronized void await() {
    try {
      while (!over) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommunicationException("interrupted while waiting for other ranks.");
    }
    if (failure != null) {
      throw new CommunicationException(failure);
    }
    if (!awaited) {
      awaited = true;
      transfer.writeBack();
    }
  }
}
