package io.tanuki4j.backend.nd4j;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Packed projections as matrices for each group of heads, and back. The r query heads of a group
 * stand one below the other, since all of them read the same keys and values.
 */
record HeadArrays(AttentionShape shape) {

  /** Returns a tensor as {@code [s, b, heads, d]}. */
  INDArray perToken(Tensor tensor) {
    int b = shape.batchSize();
    int d = shape.headDim();
    long heads = tensor.dim(-1) / d;
    return TensorArrays.of(tensor).reshape(tensor.numElements() / (b * heads * d), b, heads, d);
  }

  /** Returns the queries of a packed projection, {@code [b, g, r·s, d]}. */
  INDArray queries(Tensor qkv) {
    return byGroup(some(perToken(qkv), 0, shape.numHeads()));
  }

  /** Returns the keys of a packed projection, or of keys and values, {@code [b, g, k, d]}. */
  INDArray keys(Tensor packed) {
    INDArray heads = perToken(packed);
    int g = shape.numQueryGroups();
    return byGroup(some(heads, heads.size(2) - 2 * g, heads.size(2) - g));
  }

  /** Returns the values likewise, {@code [b, g, k, d]}. */
  INDArray values(Tensor packed) {
    INDArray heads = perToken(packed);
    return byGroup(some(heads, heads.size(2) - shape.numQueryGroups(), heads.size(2)));
  }

  private static INDArray some(INDArray heads, long from, long to) {
    return heads.get(all(), all(), interval(from, to), all());
  }

  /** Returns {@code [s, b, heads, d]} as {@code [b, g, r·s, d]}. */
  INDArray byGroup(INDArray heads) {
    return heads
        .permute(1, 2, 0, 3)
        .dup('c')
        .reshape(
            shape.batchSize(),
            shape.numQueryGroups(),
            heads.size(2) / shape.numQueryGroups() * heads.size(0),
            shape.headDim());
  }

  /** Returns {@code [b, g, r·s, d]} as {@code [s, b, heads, d]}. */
  INDArray byToken(INDArray groups, long numHeads) {
    long s = groups.size(2) * shape.numQueryGroups() / numHeads;
    return groups.reshape(shape.batchSize(), numHeads, s, shape.headDim()).permute(2, 0, 1, 3);
  }

  /** Returns one number per query and head as {@code [b, g, r·s, 1]}. */
  INDArray perQuery(Tensor logSumExp) {
    int g = shape.numQueryGroups();
    return TensorArrays.of(logSumExp)
        .reshape(shape.batchSize(), g, logSumExp.numElements() / ((long) shape.batchSize() * g), 1);
  }
}
