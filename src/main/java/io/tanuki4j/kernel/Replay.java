package io.tanuki4j.kernel;

/** Recorded work of one device, see {@link Device#record}. */
public interface Replay extends Runnable, AutoCloseable {
  /** Does the work once more, after all operations called so far. */
  @Override
  void run();

  @Override
  void close();
}
