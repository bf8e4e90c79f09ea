package io.tanuki4j.kernel.profile;

/** Receives timed calls in the order in which the device ran them. */
interface TimedCalls {
  /**
   * Receives a call.
   *
   * @param startMillis since the start of the recording
   */
  void add(KernelCall call, double startMillis, double millis);
}
