package io.tanuki4j.comm.nccl;

import io.tanuki4j.backend.cuda.CudaDevice;
import io.tanuki4j.backend.cuda.CudaException;
import io.tanuki4j.backend.cuda.CudaMark;
import io.tanuki4j.backend.cuda.CudaQueue;
import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.Durations;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import io.tanuki4j.error.FailureSentence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntSupplier;

/**
 * Ends communication that would wait forever. NCCL's kernels wait on the GPU for ranks that never
 * come, and the host waits for the GPU.
 *
 * <p>A thread watches the errors that NCCL reports late, how long a communication has been in
 * progress, and how long the host has waited. The rendezvous reports ranks that failed or
 * disappeared. Each of these fails the run on all ranks with one sentence and aborts the
 * communicators. The GPU then continues, and the host with it, to receive the failure.
 */
final class Watchdog implements AutoCloseable {
  private static final long PERIOD_MILLIS = 200;

  /** The time within which the rendezvous learns of a rank whose connections break. */
  private static final Duration NEWS = Duration.ofSeconds(3);

  private static final Duration ABORT_LIMIT = Duration.ofSeconds(5);

  private static final String ADVICE =
      "Look for a rank that is stuck or does other work; --distributed-timeout-minutes is the"
          + " limit.";

  private final Rendezvous rendezvous;
  private final CudaDevice device;
  private final List<Communicator> communicators = new ArrayList<>();
  private final Thread thread = new Thread(this::watch, "nccl watchdog");
  private volatile Object lastCall = "none";

  /** Marks the end of a communication that was still in progress at the last check. */
  private final CudaMark probe;

  private volatile Object probedCall = "none";

  /**
   * When that communication was called; 0 while there is none. The rank's thread sets the mark only
   * then.
   */
  private volatile long probedSince;

  private volatile boolean closed;

  Watchdog(Rendezvous rendezvous, CudaDevice device) {
    this.rendezvous = rendezvous;
    this.device = device;
    this.probe = device.openMark();
    device.afterEachWait(rendezvous::throwIfFailed);
    rendezvous.onFailure(this::abortAll);
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Binds a new thread to this rank's GPU. One that has failed may refuse, and NCCL's calls fail.
   */
  void bindToThread() {
    try {
      device.bindToThread();
    } catch (CudaException unused) {
      // the failure that broke the GPU is the one worth reporting
    }
  }

  synchronized void add(Communicator communicator) {
    communicators.add(communicator);
    if (rendezvous.failure() != null) {
      communicator.abort();
    }
  }

  synchronized void remove(Communicator communicator) {
    communicators.remove(communicator);
  }

  /**
   * Records the call that this rank is about to make.
   *
   * @param call what this rank does now; its text is used in the message if the call never ends
   * @throws CommunicationException if a rank has failed
   */
  void calling(Object call) {
    rendezvous.throwIfFailed();
    lastCall = call;
  }

  /** Starts timing the latest call, unless another is being timed. */
  void called(Object call, CudaQueue queue) {
    if (probedSince == 0 && !device.isRecording()) {
      queue.mark(probe);
      probedCall = call;
      probedSince = System.nanoTime();
    }
  }

  /**
   * Checks a status. A connection usually breaks because a rank is gone; the rendezvous soon
   * reports that with the rank's name and the reason.
   *
   * @throws CommunicationException if the call failed
   */
  void check(int status, Object call) {
    if (NcclStatus.failed(status)) {
      rendezvous.awaitFailure(NEWS);
      rendezvous.throwIfFailed();
      throw new CommunicationException(
          "rank %d: %s failed: %s. Start again with NCCL_DEBUG=WARN for NCCL's own words."
              .formatted(rank(), call, NcclStatus.text(status)));
    }
  }

  /**
   * Makes a call that waits for other ranks and cannot be aborted, on a separate thread.
   *
   * @return its status
   * @throws CommunicationException if a rank fails meanwhile, or the time limit expires
   */
  int patiently(String call, IntSupplier work) {
    calling(call);
    FutureTask<Integer> task =
        new FutureTask<>(
            () -> {
              device.bindToThread();
              return work.getAsInt();
            });
    Thread caller = new Thread(task, call);
    caller.setDaemon(true);
    caller.start();
    return await(task, call);
  }

  private int await(FutureTask<Integer> task, String call) {
    long end = System.nanoTime() + rendezvous.limit().toNanos();
    while (true) {
      try {
        return task.get(PERIOD_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        rendezvous.throwIfFailed();
        if (System.nanoTime() > end) {
          rendezvous.fail(
              "rank %d: %s is not over within %s. %s"
                  .formatted(rank(), call, Durations.text(rendezvous.limit()), ADVICE));
          rendezvous.throwIfFailed();
        }
      } catch (ExecutionException e) {
        throw new IllegalStateException(call + " failed", e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommunicationException("interrupted while waiting for other ranks.");
      }
    }
  }

  private void watch() {
    try {
      device.bindToThread();
      while (!closed && rendezvous.failure() == null) {
        Thread.sleep(PERIOD_MILLIS);
        String problem = problem();
        if (!problem.isEmpty() && !closed) {
          rendezvous.awaitFailure(NEWS);
          rendezvous.fail("rank %d: %s".formatted(rank(), problem));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed
    } catch (RuntimeException | Error e) {
      if (!closed) {
        rendezvous.fail(
            "rank %d: the GPU cannot be asked: %s".formatted(rank(), FailureSentence.of(e)));
      }
    }
  }

  private String problem() {
    for (Communicator communicator : copy()) {
      String error = communicator.asynchronousError();
      if (!error.isEmpty()) {
        return "group \"%s\": NCCL reports %s; last call: %s"
            .formatted(communicator.name(), error, lastCall);
      }
    }
    if (probeIsOld()) {
      return notOver(probedCall.toString());
    }
    return device.nanosWaited() > rendezvous.limit().toNanos()
        ? notOver("the GPU's work up to %s".formatted(lastCall))
        : "";
  }

  /**
   * Returns whether the GPU has waited too long. The host itself may be stuck in a call, so this
   * checks the work on the GPU.
   */
  private boolean probeIsOld() {
    if (probedSince != 0 && probe.isOver()) {
      probedSince = 0;
    }
    return probedSince != 0 && System.nanoTime() - probedSince > rendezvous.limit().toNanos();
  }

  private String notOver(String what) {
    return "%s is not over after %s. %s"
        .formatted(what, Durations.text(rendezvous.limit()), ADVICE);
  }

  private int rank() {
    return rendezvous.environment().globalRank();
  }

  private void abortAll() {
    copy().forEach(Communicator::abort);
  }

  /**
   * Aborts all communicators if a rank has failed, and waits for the end of that: a process that
   * exits while NCCL is in the midst of an abort may crash. The thread that brings the news of the
   * failure aborts them too, but perhaps only later. A GPU that hangs may never end an abort, so
   * there is a limit.
   */
  void endAfterFailure() {
    if (rendezvous.failure() == null) {
      return;
    }
    abortAll();
    long end = System.nanoTime() + ABORT_LIMIT.toNanos();
    try {
      for (Communicator communicator : copy()) {
        communicator.awaitAbort(end);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized List<Communicator> copy() {
    return List.copyOf(communicators);
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    probe.close();
  }
}
