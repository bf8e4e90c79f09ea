package io.tanuki4j.comm.nccl;

import io.tanuki4j.backend.cuda.CudaDevice;
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
 * come, and the host waits for the GPU. A thread looks at the errors that NCCL reports late, at how
 * long a communication has been under way, and at how long the host has waited; the rendezvous
 * tells of ranks that failed or are gone. Each of them fails the run on all ranks with one sentence
 * and aborts the communicators, which lets the GPU, and with it the host, go on to hear it.
 */
final class Watchdog implements AutoCloseable {
  private static final long PERIOD_MILLIS = 200;

  /** By when the rendezvous knows of a rank whose connections break. */
  private static final Duration NEWS = Duration.ofSeconds(3);

  private static final String ADVICE =
      "Look for a rank that is stuck or does other work; --distributed-timeout-minutes is the limit.";

  private final Rendezvous rendezvous;
  private final CudaDevice device;
  private final List<Communicator> communicators = new ArrayList<>();
  private final Thread thread = new Thread(this::watch, "nccl watchdog");
  private volatile Object lastCall = "none";

  /** Behind a communication that was not over when it was last looked at. */
  private final CudaMark probe;

  private volatile Object probedCall = "none";

  /** When that was called; 0 while there is none. Only then the rank's thread sets the mark. */
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
   * @param call what this rank does now; its text is for the sentence if it is the last
   * @throws CommunicationException if a rank has failed
   */
  void calling(Object call) {
    rendezvous.throwIfFailed();
    lastCall = call;
  }

  /** Watches the time of what has just been called, if it watches nothing else. */
  void called(Object call, CudaQueue queue) {
    if (probedSince == 0 && !device.isRecording()) {
      queue.mark(probe);
      probedCall = call;
      probedSince = System.nanoTime();
    }
  }

  /**
   * Passes a status on. A connection that breaks is most often a rank that is gone, which the
   * rendezvous will say in a moment with its name and its reason.
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
   * Makes a call that waits for other ranks and cannot be aborted, on a thread of its own.
   *
   * @return its status
   * @throws CommunicationException if a rank fails meanwhile, or the limit is over
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

  /** The host itself may be stuck in a call, so what waits on the GPU is looked at. */
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
