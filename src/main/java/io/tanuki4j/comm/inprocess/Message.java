package io.tanuki4j.comm.inprocess;

import io.tanuki4j.kernel.HostTensor;

/** One side of a message between two ranks of a group. */
final class Message {
  private final int peer;
  private final HostTensor tensor;
  private boolean over;

  /**
   * Creates one side of a message.
   *
   * @param peer the rank at the other side
   */
  Message(int peer, HostTensor tensor) {
    this.peer = peer;
    this.tensor = tensor;
  }

  int peer() {
    return peer;
  }

  HostTensor tensor() {
    return tensor;
  }

  /** Returns whether the message is complete. Read and written under the world's monitor. */
  boolean isOver() {
    return over;
  }

  void end() {
    over = true;
    tensor.close();
  }
}
