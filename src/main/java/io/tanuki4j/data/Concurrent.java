package io.tanuki4j.data;

import io.tanuki4j.error.Unchecked;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/** Runs work on several threads. Whoever calls waits until all of it has ended. */
final class Concurrent {
  private Concurrent() {}

  /** A piece of work. */
  @FunctionalInterface
  interface Task {
    void run() throws IOException;
  }

  /** A piece of work with a number. */
  @FunctionalInterface
  interface NumberedTask {
    void run(int number) throws IOException;
  }

  /** Returns how many threads can work at the same time. */
  static int numThreads() {
    return Runtime.getRuntime().availableProcessors();
  }

  /**
   * Runs tasks on threads of their own, as many at once as there are processors. They may wait for
   * each other's memory.
   *
   * @throws IOException or the unchecked failure of the first task in the list that failed
   */
  static void run(List<Task> tasks) throws IOException {
    if (tasks.size() == 1) {
      tasks.get(0).run();
      return;
    }
    ExecutorService threads =
        Executors.newFixedThreadPool(Math.max(2, numThreads()), Concurrent::thread);
    try {
      List<Future<?>> results = new ArrayList<>();
      for (Task task : tasks) {
        results.add(
            threads.submit(
                () -> {
                  task.run();
                  return null;
                }));
      }
      await(results);
    } finally {
      threads.shutdown();
    }
  }

  /**
   * Runs short tasks that wait for nothing, the numbers 0 to {@code count - 1}.
   *
   * @throws IOException if one of them throws it
   */
  static void forEach(int count, NumberedTask task) throws IOException {
    try {
      IntStream.range(0, count).parallel().forEach(number -> unchecked(task, number));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void unchecked(NumberedTask task, int number) {
    try {
      task.run(number);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void await(List<Future<?>> results) throws IOException {
    Throwable failure = null;
    for (Future<?> result : results) {
      try {
        result.get();
      } catch (ExecutionException e) {
        failure = failure == null ? e.getCause() : failure;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while data were prepared", e);
      }
    }
    if (failure instanceof IOException io) {
      throw io;
    }
    if (failure != null) {
      throw Unchecked.of("preparing data failed", failure);
    }
  }

  private static Thread thread(Runnable work) {
    Thread thread = new Thread(work, "data");
    thread.setDaemon(true);
    return thread;
  }
}
