package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/**
 * Rows of a table by token id. Ids must be in range; the host checks them when it makes a batch.
 */
public interface EmbeddingKernels {
  /**
   * @param out {@code [t, h]}
   * @param tokens {@code [t]}, I32
   * @param weight {@code [v, h]}
   */
  void embeddingForward(Tensor out, Tensor tokens, Tensor weight);

  /**
   * Adds each token's dOut to its row, in an order that does not depend on threads.
   *
   * @param dWeight {@code [v, h]}, F32 (F64 for F64) or the type of dOut, added to; a row's sum
   *     over these tokens is rounded once
   * @param dOut {@code [t, h]}
   */
  void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens);
}
