package io.tanuki4j.kernel;

/** Marks points in a device's queue of operations and tells how long it worked between them. */
public interface DeviceTimer extends AutoCloseable {
  /**
   * Marks the point behind all operations called so far. It does not wait for them. A mark may be
   * set anew.
   *
   * @param index from 0, below the number of marks
   */
  void mark(int index);

  /**
   * Milliseconds from one mark to a later one. Waits until the later one is reached. Time in which
   * the device had nothing to do counts.
   */
  double millisBetween(int from, int to);

  @Override
  void close();
}
