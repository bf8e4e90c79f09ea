package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.EmbeddingKernels;
import io.tanuki4j.tensor.Tensor;

/** Times each call of another {@link EmbeddingKernels}, and states its least cost. */
record ProfiledEmbedding(EmbeddingKernels kernels, CallRecorder recorder)
    implements EmbeddingKernels {
  @Override
  public void embeddingForward(Tensor out, Tensor tokens, Tensor weight, long firstRow) {
    recorder.time(
        () -> costOfEmbeddingForward(out, tokens, weight),
        () -> kernels.embeddingForward(out, tokens, weight, firstRow));
  }

  @Override
  public void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens, long firstRow) {
    recorder.time(
        () -> costOfEmbeddingBackward(dWeight, dOut, tokens),
        () -> kernels.embeddingBackward(dWeight, dOut, tokens, firstRow));
  }

  /**
   * Returns the cost if no token came twice. If there are more tokens than rows, each row is read
   * once.
   */
  static KernelCall costOfEmbeddingForward(Tensor out, Tensor tokens, Tensor weight) {
    double rows = Math.min(Cost.bytes(out), Cost.bytes(weight));
    return Cost.moved(
        KernelFamily.EMBEDDING, "embeddingForward", out, Cost.bytes(out, tokens) + rows);
  }

  static KernelCall costOfEmbeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens) {
    double rows =
        Math.min((double) dOut.numElements() * dWeight.dtype().bytes(), Cost.bytes(dWeight));
    return Cost.moved(
        KernelFamily.EMBEDDING, "embeddingBackward", dOut, Cost.bytes(dOut, tokens) + 2 * rows);
  }
}
