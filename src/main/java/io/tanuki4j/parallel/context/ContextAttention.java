package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
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
import org.jspecify.annotations.Nullable;

/**
 * Causal attention over sequences that the ranks of a group share, each with the tokens that {@link
 * SequenceSharding} gives it. Does not deal with positions: queries and keys arrive already
 * rotated.
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

  /** Creates attention to all keys up to a query's own; see the other constructor. */
  public ContextAttention(
      Kernels kernels,
      ProcessGroup group,
      ContextCommunication communication,
      int numHeads,
      int numQueryGroups,
      int headDim) {
    this(
        kernels,
        group,
        communication,
        numHeads,
        numQueryGroups,
        headDim,
        AttentionDropout.NONE,
        null);
  }

  /**
   * Creates attention that leaves out other documents, or probabilities.
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

  /** The tokens of this rank: an even number, as {@link SequenceSharding} makes it. */
  @Override
  public AttentionShape shape(Microbatch microbatch) {
    return new AttentionShape(
        microbatch.seqLength(), microbatch.batchSize(), numHeads, numQueryGroups, headDim);
  }
}
