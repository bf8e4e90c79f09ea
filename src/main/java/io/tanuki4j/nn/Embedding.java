package io.tanuki4j.nn;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/** Rows of a table {@code [v, h]} by token id. No {@link Layer}: ids have no gradient. */
public final class Embedding {
  private final Kernels kernels;
  private final Parameter weight;
  private final boolean afterHead;

  /**
   * @param afterHead whether an {@link OutputHead} with the same weight is part of the same chunk:
   *     its gradient is there before this one's
   */
  public Embedding(Kernels kernels, Parameter weight, boolean afterHead) {
    this.kernels = kernels;
    this.weight = weight;
    this.afterHead = afterHead;
  }

  /** The hidden states {@code [s, b, h]} of the micro-batch's tokens, from its memory. */
  public Tensor forward(Microbatch microbatch) {
    Tensor tokens = microbatch.tokens();
    Shape shape = Shape.of(tokens.dim(0), tokens.dim(1), weight.value().dim(1));
    Tensor out = microbatch.scope().allocate(shape, weight.value().dtype());
    kernels.embeddingForward(out, tokens, weight.value(), weight.spec().firstRow());
    return out;
  }

  /** Adds into the gradient of the table, or begins it. */
  public void backward(Tensor dOut, Microbatch microbatch) {
    if (!afterHead) {
      microbatch.begin(weight.grad(), kernels);
    }
    kernels.embeddingBackward(
        weight.grad(), dOut, microbatch.tokens(), weight.spec().firstRow());
  }

  public Parameter weight() {
    return weight;
  }
}
