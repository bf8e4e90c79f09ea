package io.tanuki4j.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed pool of threads that work on the tasks of one operation at a time, the caller among them.
 * Sizes alone decide how an operation is cut into tasks, and a task does not see which thread runs
 * it. So results are the same for any number of threads.
 */
final class Workers implements AutoCloseable {
  /** One of the tasks of an operation. */
  interface Task {
    /**
     * @param index of the task, from 0
     * @param scratch of the thread that runs it
     */
    void run(int index, Scratch scratch);
  }

  /** A part of a range. */
  interface RangeTask {
    void run(long from, long to, Scratch scratch);
  }

  private final Scratch callersScratch = new Scratch();
  private final Worker[] threads;
  private volatile @Nullable Job job;
  private volatile boolean closed;

  Workers(int numThreads) {
    threads = new Worker[numThreads - 1];
    for (int i = 0; i < threads.length; i++) {
      threads[i] = new Worker("nd4j-worker-" + (i + 1));
      threads[i].start();
    }
  }

  int size() {
    return threads.length + 1;
  }

  /** Returns the scratch memory of the calling thread, which it uses for its own tasks, too. */
  Scratch scratch() {
    return callersScratch;
  }

  /** Runs tasks 0 to numTasks − 1 in any order, and returns when all have finished. */
  void run(int numTasks, Task task) {
    if (closed) {
      throw new IllegalStateException("the device has been closed");
    }
    if (numTasks == 1 || threads.length == 0) {
      for (int i = 0; i < numTasks; i++) {
        task.run(i, callersScratch);
      }
      return;
    }
    Job started = new Job(task, numTasks);
    job = started;
    for (int i = 0; i < Math.min(threads.length, numTasks - 1); i++) {
      LockSupport.unpark(threads[i]);
    }
    started.work(callersScratch);
    started.await();
    job = null;
  }

  /** Cuts 0 to total into parts of {@code partSize} (the last may be smaller) and runs them all. */
  void runParts(long total, long partSize, RangeTask task) {
    run(
        numParts(total, partSize),
        (index, scratch) -> {
          long from = index * partSize;
          task.run(from, Math.min(total, from + partSize), scratch);
        });
  }

  static int numParts(long total, long partSize) {
    return Math.toIntExact((total + partSize - 1) / partSize);
  }

  /** Ends the threads and frees their memory. */
  @Override
  public void close() {
    closed = true;
    callersScratch.close();
    for (Worker thread : threads) {
      LockSupport.unpark(thread);
    }
    for (Worker thread : threads) {
      joinUninterruptibly(thread);
    }
  }

  private static void joinUninterruptibly(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** A thread that waits for jobs. */
  private final class Worker extends Thread {
    Worker(String name) {
      super(name);
      setDaemon(true);
    }

    @Override
    public void run() {
      try (Scratch scratch = new Scratch()) {
        Job last = null;
        while (!closed) {
          Job next = job;
          if (next == null || next == last) {
            LockSupport.park(Workers.this);
          } else {
            next.work(scratch);
            last = next;
          }
        }
      }
    }
  }

  /** The tasks of one operation, taken by whoever is free. */
  private static final class Job {
    private final Task task;
    private final int numTasks;
    private final Thread caller = Thread.currentThread();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger unfinished;
    private volatile @Nullable Throwable failure;

    Job(Task task, int numTasks) {
      this.task = task;
      this.numTasks = numTasks;
      this.unfinished = new AtomicInteger(numTasks);
    }

    void work(Scratch scratch) {
      for (int i = next.getAndIncrement(); i < numTasks; i = next.getAndIncrement()) {
        try {
          task.run(i, scratch);
        } catch (RuntimeException | Error e) {
          failure = e;
        }
        if (unfinished.decrementAndGet() == 0) {
          LockSupport.unpark(caller);
        }
      }
    }

    void await() {
      while (unfinished.get() > 0) {
        LockSupport.park(this);
      }
      if (failure instanceof RuntimeException e) {
        throw e;
      }
      if (failure instanceof Error e) {
        throw e;
      }
    }
  }
}
