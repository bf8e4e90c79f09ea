package io.tanuki4j.nn;

import io.tanuki4j.tensor.Tensor;

/** The loss of tokens by their logits, together with its gradient. */
@FunctionalInterface
public interface CrossEntropy {
  /**
   * Adds the losses into the micro-batch's sums and, in training, replaces the logits by their
   * gradient.
   *
   * @param logits {@code [c, v]}, of some of the micro-batch's tokens
   * @param targets {@code [c]}, I32
   * @param lossMask {@code [c]}, F32
   */
  void forward(Tensor logits, Tensor targets, Tensor lossMask, Microbatch microbatch);
}
