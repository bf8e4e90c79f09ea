package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.Recv;
import io.tanuki4j.comm.Send;
import io.tanuki4j.tensor.Tensor;

/**
 * The blocks of keys and values on their way around a group: at step i a rank has the block of the
 * rank i places before it. While it works on that, the block can be sent on, and the next received
 * beside it.
 */
final class KeyValueRing {
  private final ProcessGroup group;
  private Tensor current;
  private Tensor next;

  /**
   * @param own this rank's block, which is overwritten later
   * @param spare memory for another block
   */
  KeyValueRing(ProcessGroup group, Tensor own, Tensor spare) {
    this.group = group;
    this.current = own;
    this.next = spare;
  }

  /** Whose block this rank has at a step, counted from 0. */
  int owner(int step) {
    return Math.floorMod(group.rank() - step, group.size());
  }

  /** Who has this rank's block at a step. */
  int holder(int step) {
    return Math.floorMod(group.rank() + step, group.size());
  }

  /** The block of the present step. */
  Tensor block() {
    return current;
  }

  Send send() {
    return new Send(current, holder(1));
  }

  Recv receive() {
    return new Recv(next, owner(1));
  }

  /** Goes to the next step, once what was received has come and what was sent has gone. */
  void turn() {
    Tensor used = current;
    current = next;
    next = used;
  }
}
