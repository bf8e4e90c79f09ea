package io.tanuki4j.tokenizer;

import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Keeps a native library's object from being used, or closed again, after it was closed: that
 * crashes the process.
 */
final class NativeLifetime implements AutoCloseable {
  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final String name;
  private final Runnable end;
  private boolean closed;

  /**
   * @param name of the object, for messages
   * @param end what closes it
   */
  NativeLifetime(String name, Runnable end) {
    this.name = name;
    this.end = end;
  }

  /** Returns what the use of the object gives, from any number of threads at a time. */
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
