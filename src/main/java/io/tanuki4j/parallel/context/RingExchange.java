package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.parallel.context.BlockwiseAttention.KeyValues;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Ring attention (Liu et al., 2023): each block of keys and values visits every rank. It travels
 * while the rank computes attention to the block before it.
 *
 * @param group its ranks share the sequences
 */
record RingExchange(ProcessGroup group) implements ContextAttention.Exchange {

  @Override
  public void forward(BlockwiseAttention.Forward attention, MemoryScope scratch) {
    Ring ring = new Ring(attention.keyValues(), scratch);
    int last = group.size() - 1;
    for (int step = 0; step <= last; step++) {
      Work passing =
          step == last ? Work.DONE : group.exchange(List.of(ring.send()), List.of(ring.receive()));
      if (step == 0) {
        attention.attendToOwnKeys();
      } else {
        attention.attendToKeysOf(owner(step), ring.block);
      }
      passing.await();
      ring.turn();
    }
  }

  @Override
  public Begun beginBackward(KeyValues blocks, MemoryScope scope) {
    Ring ring = new Ring(blocks, scope);
    Work passing = exchange(ring, 0, List.of(), List.of());
    return (gradients, scratch) -> backward(ring, passing, gradients, scratch);
  }

  /**
   * Computes the gradients of each block, that of the rank's own keys last. While a rank works on
   * one block, it passes that block on and receives the next. The gradients it computed for the
   * block before go straight to that block's owner, which sums them. Each is therefore rounded
   * once, and keys that no query of the rank has seen send nothing. The last of them travel while
   * the rank's own keys are worked on, so nothing waits for an exchange alone.
   */
  private void backward(
      Ring ring, Work passing, BlockwiseAttention.Backward gradients, MemoryScope scratch) {
    KeyValues blocks = gradients.keyValues();
    Tensor arrived = blocks.allocate(1, scratch);
    Tensor[] made = {blocks.allocate(1, scratch), blocks.allocate(1, scratch)};
    Tensor leaving = made[0];
    Work exchange = passing;
    for (int step = 1; step <= group.size(); step++) {
      exchange.await();
      ring.turn();
      if (step > 2) {
        gradients.add(gradients.madeBy(holder(step - 2), arrived));
      }
      exchange =
          step == 1
              ? exchange(ring, step, List.of(), List.of())
              : exchange(
                  ring,
                  step,
                  List.of(new Send(leaving, owner(step - 1))),
                  List.of(new Recv(gradients.madeBy(holder(step - 1), arrived), holder(step - 1))));
      if (step < group.size()) {
        leaving = gradients.attendToKeysOf(owner(step), ring.block, made[step % 2]);
      } else {
        gradients.attendToOwnKeys();
      }
    }
    exchange.await();
    if (group.size() > 1) {
      gradients.add(gradients.madeBy(holder(group.size() - 1), arrived));
    }
  }

  /** Exchanges gradients, and passes the block of a step on if others still need it. */
  private Work exchange(Ring ring, int step, List<Send> sends, List<Recv> receives) {
    List<Send> allSends = new ArrayList<>(sends);
    List<Recv> allReceives = new ArrayList<>(receives);
    if (step < group.size() - 1) {
      allSends.add(ring.send());
      allReceives.add(ring.receive());
    }
    return allSends.isEmpty() ? Work.DONE : group.exchange(allSends, allReceives);
  }

  /** Returns whose block this rank has at a step, counted from 0. */
  private int owner(int step) {
    return Math.floorMod(group.rank() - step, group.size());
  }

  /** Returns who has this rank's block at a step. */
  private int holder(int step) {
    return Math.floorMod(group.rank() + step, group.size());
  }

  /** The block of the present step, and memory for the next one. */
  private final class Ring {
    private Tensor block;
    private Tensor next;

    Ring(KeyValues blocks, MemoryScope scratch) {
      this.block = blocks.allocate(1, scratch);
      this.next = blocks.allocate(1, scratch);
      blocks.pack(block);
    }

    Send send() {
      return new Send(block, holder(1));
    }

    Recv receive() {
      return new Recv(next, owner(1));
    }

    /** Takes the next step, once the exchange is complete. */
    void turn() {
      Tensor used = block;
      block = next;
      next = used;
    }
  }
}
