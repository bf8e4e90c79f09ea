package io.tanuki4j.parallel.context;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * Blocks of keys and values apart from queries, {@code [s, b, 2g·d]}, as they are sent.
 *
 * @param qkv the projection of this rank's tokens
 * @param shape its sizes
 */
record KeyValues(ElementwiseKernels kernels, Tensor qkv, AttentionShape shape) {

  /** Memory for some blocks, one after another along the sequence. */
  Tensor allocate(int numBlocks, MemoryScope scope) {
    Shape blocks =
        Shape.of((long) numBlocks * shape.seqLength(), shape.batchSize(), shape.keyValueSize());
    return scope.allocate(blocks, qkv.dtype());
  }

  /** Copies this rank's out of the projection. */
  void pack(Tensor into) {
    kernels.copyColumns(into, 0, qkv, shape.outSize(), shape.keyValueSize(), Accumulate.OVERWRITE);
  }
}
