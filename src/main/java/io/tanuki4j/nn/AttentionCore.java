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
