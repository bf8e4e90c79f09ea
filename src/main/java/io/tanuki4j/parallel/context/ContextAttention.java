package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.nn.AttentionDropout;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.parallel.ContextCommunication;
import io.tanuki4j.parallel.context.BlockwiseAttention.KeyValues;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over sequences that the ranks of a group share: {@link RingExchange} sends keys
 * and values around, {@link GatherExchange} gathers them. Each rank has two pieces of a sequence
 * ({@link BlockwiseAttention.VisibleBlock} says which). Does not deal with positions: queries and
 * keys arrive already rotated.
 *
 * <p>forward: keys and values go around the group, or are gathered. backward: the same, and their
 * gradients go to their owners.
 */
public final class ContextAttention implements AttentionCore {
  private final Kernels kernels;
  private final ProcessGroup group;
  private final Exchange exchange;
  private final int numHeads;
  private final int numQueryGroups;
  private final int headDim;
  private final AttentionDropout dropout;
  private final @Nullable Tensor positions;

  /** One way to bring queries together with the keys and values of other ranks. */
  interface Exchange {
    /** Lets the queries attend to the keys of every rank. */
    void forward(BlockwiseAttention.Forward attention, MemoryScope scratch);

    /**
     * Starts to bring the rank together with the keys and values of others for a backward.
     *
     * @param scope memory until its end
     */
    Begun beginBackward(KeyValues keyValues, MemoryScope scope);

    /** A backward that has begun. */
    @FunctionalInterface
    interface Begun {
      /** Computes the gradients, and brings those of keys and values to their owners. */
      void finish(BlockwiseAttention.Backward gradients, MemoryScope scratch);
    }
  }

  /**
   * Creates attention to all keys up to a query's own, unless documents or dropout leave some out.
   *
   * @param group its ranks share the sequences
   * @param positions of {@link #positions}; null if a sequence is always one document, and nothing
   *     is dropped
   */
  public ContextAttention(
      Kernels kernels,
      ProcessGroup group,
      ContextCommunication communication,
      int numHeads,
      int numQueryGroups,
      int headDim,
      AttentionDropout dropout,
      @Nullable Tensor positions) {
    this.kernels = kernels;
    this.group = group;
    this.exchange =
        switch (communication) {
          case P2P -> new RingExchange(group);
          case ALL_GATHER -> new GatherExchange(kernels.elementwise(), group);
        };
    this.numHeads = numHeads;
    this.numQueryGroups = numQueryGroups;
    this.headDim = headDim;
    this.dropout = dropout;
    this.positions = positions;
  }

  /**
   * Computes where each rank's tokens are in their sequence, {@code [ranks, s]}, I32.
   *
   * @param group its ranks share the sequences
   * @param seqLength of the whole sequence
   * @param scope memory for as long as attention is used
   */
  public static Tensor positions(
      Device device, ProcessGroup group, int seqLength, MemoryScope scope) {
    return SequenceMask.positions(device, group.size(), seqLength, scope);
  }

  @Override
  public Saved forward(Tensor out, Tensor qkv, Microbatch microbatch) {
    AttentionShape shape = shape(microbatch);
    Shape rows = Shape.of(shape.batchSize(), numHeads, shape.seqLength());
    Tensor logSumExp = microbatch.scope().allocate(rows, qkv.dtype().statisticsType());
    Saved saved = new Saved(qkv, out, logSumExp);
    try (MemoryScope scratch = microbatch.scope().child("attention of a shared sequence")) {
      BlockwiseAttention.Forward attention =
          new BlockwiseAttention.Forward(kernels, ranks(shape), saved, mask(microbatch), scratch);
      exchange.forward(attention, scratch);
      attention.finish();
    }
    return saved;
  }

  @Override
  public Begun beginBackward(Saved saved, Microbatch microbatch) {
    KeyValues keyValues = new KeyValues(kernels, saved.qkv(), shape(microbatch));
    Exchange.Begun begun = exchange.beginBackward(keyValues, microbatch.scope());
    return (dQkv, dOut) -> finish(begun, dQkv, saved, dOut, microbatch);
  }

  private void finish(
      Exchange.Begun begun, Tensor dQkv, Saved saved, Tensor dOut, Microbatch microbatch) {
    BlockwiseAttention.Backward.Operands operands =
        new BlockwiseAttention.Backward.Operands(dQkv, saved, dOut, mask(microbatch));
    try (MemoryScope scratch = microbatch.scope().child("gradients of a shared sequence")) {
      BlockwiseAttention.Backward gradients =
          new BlockwiseAttention.Backward(kernels, ranks(shape(microbatch)), operands, scratch);
      begun.finish(gradients, scratch);
      gradients.finish();
    }
  }

  private BlockwiseAttention.Ranks ranks(AttentionShape shape) {
    return new BlockwiseAttention.Ranks(shape, group.rank(), group.size());
  }

  private SequenceMask mask(Microbatch microbatch) {
    return new SequenceMask(
        microbatch.samples(), positions, dropout.site().in(microbatch), dropout.firstHead());
  }

  /** The tokens of this rank: an even number, half of them from each of its two pieces. */
  @Override
  public AttentionShape shape(Microbatch microbatch) {
    return new AttentionShape(
        microbatch.seqLength(), microbatch.batchSize(), numHeads, numQueryGroups, headDim);
  }

  /**
   * Ring attention (Liu et al., 2023): each block of keys and values visits every rank. It travels
   * while the rank computes attention to the block before it.
   *
   * @param group its ranks share the sequences
   */
  private record RingExchange(ProcessGroup group) implements Exchange {

    @Override
    public void forward(BlockwiseAttention.Forward attention, MemoryScope scratch) {
      Ring ring = new Ring(attention.keyValues(), scratch);
      int last = group.size() - 1;
      for (int step = 0; step <= last; step++) {
        Work passing =
            step == last
                ? Work.DONE
                : group.exchange(List.of(ring.send()), List.of(ring.receive()));
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
                    List.of(
                        new Recv(gradients.madeBy(holder(step - 1), arrived), holder(step - 1))));
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
}
