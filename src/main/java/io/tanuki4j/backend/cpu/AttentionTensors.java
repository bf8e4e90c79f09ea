package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.Tensor;

/** Where queries, keys and values are, or their gradients. */
record AttentionTensors(HeadVectors queries, HeadVectors keys, HeadVectors values) {

  /** Returns all three in a packed projection {@code [s, b, (n + 2g)·d]}. */
  static AttentionTensors packed(Tensor qkv, AttentionShape shape) {
    int n = shape.numHeads();
    int g = shape.numQueryGroups();
    return new AttentionTensors(
        heads(qkv, n + 2 * g, 0, shape),
        heads(qkv, n + 2 * g, n, shape),
        heads(qkv, n + 2 * g, n + g, shape));
  }

  /**
   * Returns queries in a packed projection, and keys and values of other tokens in {@code [k, b,
   * 2g·d]}.
   */
  static AttentionTensors ofBlock(Tensor qkv, Tensor keyValues, AttentionBlock block) {
    AttentionShape shape = block.queries();
    return withQueries(
        heads(qkv, shape.numHeads() + 2 * shape.numQueryGroups(), 0, shape), keyValues, shape);
  }

  /**
   * Returns gradients of queries {@code [q, b, n·d]}, and of keys and values {@code [k, b, 2g·d]}.
   */
  static AttentionTensors gradients(Tensor dQueries, Tensor dKeyValues, AttentionBlock block) {
    return withQueries(outputs(dQueries, block.queries()), dKeyValues, block.queries());
  }

  private static AttentionTensors withQueries(
      HeadVectors queries, Tensor keyValues, AttentionShape shape) {
    int g = shape.numQueryGroups();
    return new AttentionTensors(
        queries, heads(keyValues, 2 * g, 0, shape), heads(keyValues, 2 * g, g, shape));
  }

  /** Returns attention's output, {@code [q, b, n·d]}. */
  static HeadVectors outputs(Tensor out, AttentionShape shape) {
    return heads(out, shape.numHeads(), 0, shape);
  }

  private static HeadVectors heads(Tensor tensor, int perToken, int first, AttentionShape shape) {
    return new HeadVectors(tensor, shape.batchSize(), perToken, first, shape.headDim());
  }
}
