package io.tanuki4j.kernel;

/**
 * Sums of the time that a device spends between points of its work. The points may be recorded
 * ({@link Device#record}): each replay adds its own time. Nothing waits until the sums are taken.
 */
public interface Stopwatches extends AutoCloseable {
  /**
   * Starts one when the device has finished all operations called so far.
   *
   * @param index from 0, below the number of stopwatches
   */
  void start(int index);

  /** Stops it when the device has finished all operations called so far. */
  void stop(int index);

  /**
   * Returns the nanoseconds of each since the last call. Waits until the device has finished all
   * operations called so far.
   */
  long[] takeNanos();

  @Override
  void close();
}
