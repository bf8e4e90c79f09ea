package io.tanuki4j.tokenizer;

import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Prevents use or a second close of a native library's object after it was closed. Either would
 * crash the process.
 */
final class NativeLifetime implements AutoCloseable {
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final String name;
  private final Runnable end;
  private boolean closed;

  /**
   * Guards an open object.
   *
   * @param name of the object, for messages
   * @param end closes the object
   */
  NativeLifetime(String name, Runnable end) {
    this.name = name;
    this.end = end;
  }

  /** Returns the result of a use of the object. Any number of threads may use it at a time. */
  <T> T whileOpen(Supplier<T> use) {
    lock.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException(name + " is closed");
      }
      return use.get();
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        end.run();
      }
    } finally {
      lock.writeLock().unlock();
    }
  }
}
