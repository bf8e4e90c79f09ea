package io.tanuki4j.nn;

import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * The core of causal attention with grouped queries: from a packed, rotated projection {@code [s,
 * b, (n + 2g)·d]} to {@code [s, b, n·d]}. No parameters.
 */
public final class CausalAttention implements Layer<CausalAttention.Saved> {
  private final Kernels kernels;
  private final int numHeads;
  private final int numQueryGroups;
  private final int headDim;

  public CausalAttention(Kernels kernels, int numHeads, int numQueryGroups, int headDim) {
    this.kernels = kernels;
    this.numHeads = numHeads;
    this.numQueryGroups = numQueryGroups;
    this.headDim = headDim;
  }

  /**
   * @param qkv the input
   * @param out the output
   * @param logSumExp {@code [b, n, s]}
   */
  public record Saved(Tensor qkv, Tensor out, Tensor logSumExp) {}

  @Override
  public Saved forward(Tensor out, Tensor qkv, Microbatch microbatch) {
    AttentionShape shape = shape(microbatch);
    Tensor logSumExp =
        microbatch
            .scope()
            .allocate(
                Shape.of(shape.batchSize(), numHeads, shape.seqLength()),
                qkv.dtype().statisticsType());
    kernels.causalAttentionForward(out, logSumExp, qkv, shape);
    return new Saved(qkv, out, logSumExp);
  }

  @Override
  public void backward(Tensor dQkv, Saved saved, Tensor dOut, Microbatch microbatch) {
    kernels.causalAttentionBackward(
        dQkv, dOut, saved.out(), saved.logSumExp(), saved.qkv(), shape(microbatch));
  }

  @Override
  public List<Parameter> parameters() {
    return List.of();
  }

  /** Sizes of a micro-batch's packed projection. */
  public AttentionShape shape(Microbatch microbatch) {
    return new AttentionShape(
        microbatch.seqLength(), microbatch.batchSize(), numHeads, numQueryGroups, headDim);
  }
}
