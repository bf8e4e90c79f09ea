package io.tanuki4j.nn;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * The core of causal attention with grouped queries: from a packed, rotated projection {@code [s,
 * b, (n + 2g)·d]} to {@code [s, b, n·d]}. No parameters.
 */
public interface AttentionCore extends Layer<AttentionCore.Saved> {
  /**
   * Returns the sizes of a micro-batch's packed projection: the tokens and the heads of this rank.
   */
  AttentionShape shape(Microbatch microbatch);

  /**
   * Begins a backward before the gradient of the output is known, so that what other ranks send is
   * on its way meanwhile. Takes memory of the micro-batch.
   */
  Begun beginBackward(Saved saved, Microbatch microbatch);

  /** A backward that has begun. */
  @FunctionalInterface
  interface Begun {
    /** Overwrites the gradient of the input. */
    void finish(Tensor dQkv, Tensor dOut);
  }

  @Override
  default void backward(Tensor dQkv, Saved saved, Tensor dOut, Microbatch microbatch) {
    beginBackward(saved, microbatch).finish(dQkv, dOut);
  }

  @Override
  default List<Parameter> parameters() {
    return List.of();
  }

  /**
   * @param qkv the input
   * @param out the output
   * @param logSumExp {@code [b, n, s]}, see {@link io.tanuki4j.kernel.AttentionKernels}
   */
  record Saved(Tensor qkv, Tensor out, Tensor logSumExp) {}
}
