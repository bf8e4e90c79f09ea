package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.parallel.ContextCommunication;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * Causal attention over sequences that the ranks of a group share, each with the tokens that {@link
 * SequenceSharding} gives it. Positions are no concern of its: queries and keys are rotated before.
 *
 * <p>forward: keys and values go around the group, or are gathered. backward: the same, and their
 * gradients go to their owners.
 */
public final class ContextAttention implements AttentionCore {
  private final Kernels kernels;
  private final ProcessGroup group;
  private final KeyValuePassing passing;
  private final int numHeads;
  private final int numQueryGroups;
  private final int headDim;

  /**
   * @param group its ranks share the sequences
   */
  public ContextAttention(
      Kernels kernels,
      ProcessGroup group,
      ContextCommunication communication,
      int numHeads,
      int numQueryGroups,
      int headDim) {
    this.kernels = kernels;
    this.group = group;
    this.passing =
        switch (communication) {
          case P2P -> new RingPassing(kernels, group);
          case ALL_GATHER -> new GatherPassing(kernels, group);
        };
    this.numHeads = numHeads;
    this.numQueryGroups = numQueryGroups;
    this.headDim = headDim;
  }

  @Override
  public Saved forward(Tensor out, Tensor qkv, Microbatch microbatch) {
    AttentionShape shape = shape(microbatch);
    Shape rows = Shape.of(shape.batchSize(), numHeads, shape.seqLength());
    Tensor logSumExp = microbatch.scope().allocate(rows, qkv.dtype().statisticsType());
    Saved saved = new Saved(qkv, out, logSumExp);
    try (MemoryScope scratch = microbatch.scope().child("attention of a shared sequence")) {
      RunningAttention attention =
          new RunningAttention(kernels, shape, group.rank(), saved, scratch);
      passing.forward(attention, scratch);
      attention.finish();
    }
    return saved;
  }

  @Override
  public void backward(Tensor dQkv, Saved saved, Tensor dOut, Microbatch microbatch) {
    AttentionShape shape = shape(microbatch);
    RunningGradients.Operands operands = new RunningGradients.Operands(dQkv, saved, dOut);
    try (MemoryScope scratch = microbatch.scope().child("gradients of a shared sequence")) {
      RunningGradients gradients =
          new RunningGradients(kernels, shape, group.rank(), operands, scratch);
      passing.backward(gradients, scratch);
      gradients.finish();
    }
  }

  /** The tokens of this rank: an even number, as {@link SequenceSharding} makes it. */
  @Override
  public AttentionShape shape(Microbatch microbatch) {
    return new AttentionShape(
        microbatch.seqLength(), microbatch.batchSize(), numHeads, numQueryGroups, headDim);
  }
}
