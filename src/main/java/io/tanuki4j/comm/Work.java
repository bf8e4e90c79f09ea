package io.tanuki4j.comm;

/** A communication under way. */
@FunctionalInterface
public interface Work {
  /** One that is over. */
  Work DONE = () -> {};

  /**
   * Orders this rank's operations behind the communication: what is called after may use its
   * results. Waits no longer than the device's order needs. A second call does nothing.
   *
   * @throws CommunicationException if the communication failed
   */
  void await();
}
