package io.tanuki4j.nn;

import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/** Attention of a rank that has the whole sequence, to the documents of the queries if asked. */
public final class CausalAttention implements AttentionCore {
  private final AttentionKernels kernels;
  private final int numHeads;
  private final int numQueryGroups;
  private final int headDim;
  private final AttentionDropout dropout;

  /** Creates attention that drops nothing. */
  public CausalAttention(AttentionKernels kernels, int numHeads, int numQueryGroups, int headDim) {
    this(kernels, numHeads, numQueryGroups, headDim, AttentionDropout.NONE);
  }

  /** Creates attention with a dropout of its probabilities. */
  public CausalAttention(
      AttentionKernels kernels,
      int numHeads,
      int numQueryGroups,
      int headDim,
      AttentionDropout dropout) {
    this.kernels = kernels;
    this.numHeads = numHeads;
    this.numQueryGroups = numQueryGroups;
    this.headDim = headDim;
    this.dropout = dropout;
  }

  @Override
  public Saved forward(Tensor out, Tensor qkv, Microbatch microbatch) {
    AttentionShape shape = shape(microbatch);
    Tensor logSumExp =
        microbatch
            .scope()
            .allocate(
                Shape.of(shape.batchSize(), numHeads, shape.seqLength()),
                qkv.dtype().statisticsType());
    kernels.causalAttentionForward(out, logSumExp, qkv, shape, mask(microbatch));
    return new Saved(qkv, out, logSumExp);
  }

  @Override
  public Begun beginBackward(Saved saved, Microbatch microbatch) {
    return (dQkv, dOut) ->
        kernels.causalAttentionBackward(
            dQkv,
            dOut,
            saved.out(),
            saved.logSumExp(),
            saved.qkv(),
            shape(microbatch),
            mask(microbatch));
  }

  private AttentionMask mask(Microbatch microbatch) {
    return dropout.in(microbatch.samples().attentionMask(), microbatch);
  }

  @Override
  public AttentionShape shape(Microbatch microbatch) {
    return new AttentionShape(
        microbatch.seqLength(), microbatch.batchSize(), numHeads, numQueryGroups, headDim);
  }
}
