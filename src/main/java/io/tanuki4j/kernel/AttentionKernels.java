package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/**
 * Causal attention with grouped queries over a packed projection; softmax in at least fp32. The s·s
 * matrix of probabilities is never kept (FlashAttention, Dao et al., 2022).
 */
public interface AttentionKernels {
  /**
   * {@code out = softmax(mask(q · kᵀ / sqrt(d))) · v} for every head.
   *
   * @param out {@code [s, b, n·d]}
   * @param logSumExp {@code [b, n, s]}, F32 (F64 for F64), natural logarithm of the softmax's
   *     denominator, kept for the backward
   * @param qkv {@code [s, b, (n + 2g)·d]}, already rotated
   */
  void causalAttentionForward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape);

  /**
   * Overwrites dQkv.
   *
   * @param dQkv {@code [s, b, (n + 2g)·d]}
   * @param dOut {@code [s, b, n·d]}
   */
  void causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape);
}
