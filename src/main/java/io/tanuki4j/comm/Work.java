package io.tanuki4j.comm;

/** A communication in progress. */
@FunctionalInterface
public interface Work {
  /** A completed communication. */
  Work DONE = () -> {};

  /**
   * Orders this rank's later operations behind the communication, so they may use its results.
   * Waits no longer than the device's order needs. A second call does nothing.
   *
   * @throws CommunicationException if the communication failed
   */
  void await();
}
