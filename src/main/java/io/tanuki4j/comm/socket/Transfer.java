package io.tanuki4j.comm.socket;

/** A communication as the thread of its group carries it out. */
interface Transfer {
  /** Returns a description, for example {@code all-reduce #118}. */
  String what();

  /**
   * Carries out the communication.
   *
   * @throws Mesh.StepException if a peer does not do its part
   */
  void run(Mesh mesh) throws Mesh.StepException;

  /** Copies what was received into the tensors; called by the rank's own thread. */
  void writeBack();

  /** Releases the tensors' memory. */
  void close();
}
