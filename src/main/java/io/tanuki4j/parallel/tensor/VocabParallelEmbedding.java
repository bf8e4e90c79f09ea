package io.tanuki4j.parallel.tensor;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Embedding;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.tensor.Tensor;

/**
 * Rows of a table {@code [v, h]} by token id, each rank with the rows of some ids: all others are
 * zero there, and the ranks' results are parts of a sum.
 */
public final class VocabParallelEmbedding {
  private final Embedding embedding;
  private final TensorRegion region;

  /**
   * @param weight this rank's rows
   * @param afterHead see {@link Embedding}
   */
  public VocabParallelEmbedding(
      Kernels kernels, Parameter weight, boolean afterHead, TensorRegion region) {
    this.embedding = new Embedding(kernels, weight, afterHead);
    this.region = region;
  }

  /**
   * Returns the hidden states of the micro-batch's tokens, from its memory; this rank's shard of
   * them.
   */
  public Tensor forward(Microbatch microbatch) {
    Tensor table = weight().value();
    Tensor out =
        microbatch
            .scope()
            .allocate(
                region.outside(microbatch.seqLength(), microbatch.batchSize(), table.dim(1)),
                table.dtype());
    try (MemoryScope scratch = microbatch.scope().child("part of a sum")) {
      Tensor part = region.whole(out, scratch);
      embedding.forward(part, microbatch);
      region.sum(out, part, scratch).await();
    }
    return out;
  }

  /** Adds into the gradient of the table, or begins it. */
  public void backward(Tensor dOut, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("gathered gradient")) {
      Tensor wholeDOut = region.whole(dOut, scratch);
      region.gather(wholeDOut, dOut).await();
      embedding.backward(wholeDOut, microbatch);
    }
  }

  public Parameter weight() {
    return embedding.weight();
  }
}
