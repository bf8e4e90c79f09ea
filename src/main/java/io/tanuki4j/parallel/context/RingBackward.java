package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.Recv;
import io.tanuki4j.comm.Send;
import io.tanuki4j.comm.Work;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The backward around the ring. While a rank works on a block, the block goes on and the next one
 * comes, and the gradients that it made of the block before go straight to that block's owner, who
 * sums in fp32: each is rounded once, and keys that nobody's queries have seen send nothing.
 */
final class RingBackward {
  private final ProcessGroup group;
  private final KeyValueRing ring;
  private final RunningGradients gradients;
  private final Tensor arrived;
  private final Tensor[] made;
  private Tensor leaving;

  /**
   * @param ring at its first step
   * @param scratch memory for three blocks
   */
  RingBackward(
      ProcessGroup group,
      KeyValueRing ring,
      RunningGradients gradients,
      KeyValues blocks,
      MemoryScope scratch) {
    this.group = group;
    this.ring = ring;
    this.gradients = gradients;
    this.arrived = blocks.allocate(1, scratch);
    this.made = new Tensor[] {blocks.allocate(1, scratch), blocks.allocate(1, scratch)};
    this.leaving = made[0];
  }

  /** One step more than there are blocks: in the last one only gradients come and go. */
  void run() {
    for (int step = 0; step <= group.size(); step++) {
      List<Send> sends = new ArrayList<>();
      List<Recv> receives = new ArrayList<>();
      boolean ringTurns = step < group.size() - 1;
      if (ringTurns) {
        sends.add(ring.send());
        receives.add(ring.receive());
      }
      boolean gradientsGo = step >= 2;
      if (gradientsGo) {
        sends.add(new Send(leaving, ring.owner(step - 1)));
        receives.add(arriving(step - 1));
      }
      Work exchange = sends.isEmpty() ? Work.DONE : group.exchange(sends, receives);
      compute(step);
      exchange.await();
      if (ringTurns) {
        ring.turn();
      }
      if (gradientsGo) {
        gradients.add(arriving(step - 1).tensor());
      }
    }
  }

  private void compute(int step) {
    if (step == 0) {
      gradients.own();
    } else if (step < group.size()) {
      leaving = gradients.other(ring.owner(step), ring.block(), made[step % 2]);
    }
  }

  /** What the rank that had this rank's block at a step has made of it. */
  private Recv arriving(int step) {
    int holder = ring.holder(step);
    ZigzagBlock block = new ZigzagBlock(gradients.shape(), holder, group.rank());
    return new Recv(block.keys(arrived), holder);
  }
}
