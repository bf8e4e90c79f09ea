package io.tanuki4j.comm.timed;

/** Measures waits for other ranks. */
@FunctionalInterface
public interface WaitTimer {
  /** Waits, and measures it. */
  void measure(String group, Runnable wait);
}
