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

  /**
   * Computes the gradients. While a rank works on one block, it passes that block on and receives
   * the next. The gradients it computed for the block before go straight to that block's owner,
   * which sums them in fp32. Each is therefore rounded once, and keys that no query of the rank has
   * seen send nothing. There is one more step than there are blocks: the last step only exchanges
   * gradients.
   */
  @Override
  public void backward(BlockwiseAttention.Backward gradients, MemoryScope scratch) {
    KeyValues blocks = gradients.keyValues();
    Ring ring = new Ring(blocks, scratch);
    Tensor arrived = blocks.allocate(1, scratch);
    Tensor[] made = {blocks.allocate(1, scratch), blocks.allocate(1, scratch)};
    Tensor leaving = made[0];
    for (int step = 0; step <= group.size(); step++) {
      boolean ringTurns = step < group.size() - 1;
      boolean gradientsGo = step >= 2;
      List<Send> sends = new ArrayList<>();
      List<Recv> receives = new ArrayList<>();
      if (ringTurns) {
        sends.add(ring.send());
        receives.add(ring.receive());
      }
      int holder = holder(step - 1);
      Tensor arriving = gradients.madeBy(holder, arrived);
      if (gradientsGo) {
        sends.add(new Send(leaving, owner(step - 1)));
        receives.add(new Recv(arriving, holder));
      }
      Work exchange = sends.isEmpty() ? Work.DONE : group.exchange(sends, receives);
      if (step == 0) {
        gradients.attendToOwnKeys();
      } else if (step < group.size()) {
        leaving = gradients.attendToKeysOf(owner(step), ring.block, made[step % 2]);
      }
      exchange.await();
      if (ringTurns) {
        ring.turn();
      }
      if (gradientsGo) {
        gradients.add(arriving);
      }
    }
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
