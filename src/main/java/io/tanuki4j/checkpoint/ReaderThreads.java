package io.tanuki4j.checkpoint;

import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Threads that read a checkpoint's files: one alone reaches the rate of few disks. */
final class ReaderThreads implements AutoCloseable {
  static final int NUMBER = Math.max(2, Math.min(8, Runtime.getRuntime().availableProcessors()));

  private final ExecutorService threads =
      Executors.newFixedThreadPool(
          NUMBER,
          task -> {
            Thread thread = new Thread(task, "checkpoint-read");
            thread.setDaemon(true);
            return thread;
          });

  <T> Future<T> submit(Callable<T> task) {
    return threads.submit(task);
  }

  /**
   * Returns what a task has read.
   *
   * @throws IOException if it could not
   * @throws RuntimeException what else the task threw
   */
  static <T> T await(Future<T> task) throws IOException {
    try {
      return task.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a checkpoint was read", e);
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNull(e.getCause());
      if (cause instanceof IOException io) {
        throw io;
      }
      if (cause instanceof RuntimeException failure) {
        throw failure;
      }
      if (cause instanceof Error failure) {
        throw failure;
      }
      throw new IllegalStateException("a checkpoint cannot be read", cause);
    }
  }

  /** Waits for the tasks. They are not interrupted, since that would close their files. */
  @Override
  public void close() {
    threads.shutdown();
    boolean interrupted = false;
    while (!threads.isTerminated()) {
      try {
        threads.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
