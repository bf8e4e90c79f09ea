package io.tanuki4j.nn;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Tensor;

/**
 * Rows of a table {@code [v, h]} by token id. A shard gives the rows that it has, and zeros for the
 * others. Not a {@link Layer}, since ids have no gradient.
 */
public final class Embedding {
  private final Kernels kernels;
  private final Parameter weight;
  private final boolean afterHead;

  /**
   * @param afterHead whether an output layer with the same weight is part of the same chunk: its
   *     gradient is written before this one's
   */
  public Embedding(Kernels kernels, Parameter weight, boolean afterHead) {
    this.kernels = kernels;
    this.weight = weight;
    this.afterHead = afterHead;
  }

  /**
   * Looks up the tokens' rows.
   *
   * @param out {@code [s, b, h]}: the hidden states of the micro-batch's tokens
   */
  public void forward(Tensor out, Microbatch microbatch) {
    kernels
        .embedding()
        .embeddingForward(out, microbatch.tokens(), weight.value(), weight.spec().firstRow());
  }

  /** Adds to the gradient of the table, or begins it. */
  public void backward(Tensor dOut, Microbatch microbatch) {
    if (!afterHead) {
      microbatch.begin(weight.grad(), kernels);
    }
    kernels
        .embedding()
        .embeddingBackward(weight.grad(), dOut, microbatch.tokens(), weight.spec().firstRow());
  }

  public Parameter weight() {
    return weight;
  }
}
