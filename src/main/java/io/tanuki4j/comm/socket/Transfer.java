package io.tanuki4j.comm.socket;

/** A communication as the thread of its group carries it out. */
interface Transfer {
  /** For example {@code all-reduce #118}. */
  String what();

  /**
   * @throws Mesh.StepException if a peer does not do its part
   */
  void run(Mesh mesh) throws Mesh.StepException;

  /** Brings what came into the tensors; the rank's own thread calls it. */
  void writeBack();

  /** Lets go of the tensors' memory. */
  void close();
}
