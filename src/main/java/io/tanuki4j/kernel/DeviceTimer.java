package io.tanuki4j.kernel;

/** Marks points in a device's queue of operations and measures the time between them. */
public interface DeviceTimer extends AutoCloseable {
  /**
   * Marks the point behind all operations called so far, without waiting for them. A mark may be
   * set again.
   *
   * @param index from 0, below the number of marks
   */
  void mark(int index);

  /**
   * Returns the milliseconds from one mark to a later one, idle time included. Waits until the
   * later one is reached.
   */
  double millisBetween(int from, int to);

  @Override
  void close();
}
