package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.kernel.Dropout;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Masks of attention as summands of the scores, {@code [b or 1, 1, 1, q, k]}: 0, or −∞ where a
 * query does not see a key.
 *
 * @param shape of the queries
 */
record MaskArrays(AttentionMask mask, AttentionShape shape, int numKeys) {

  /** Returns the mask of queries that see the keys up to their own. */
  INDArray causal() {
    int s = shape.seqLength();
    INDArray index = Nd4j.arange(s).castTo(DataType.DOUBLE);
    INDArray seen = index.reshape(s, 1).sub(index.reshape(1, s)).gte(0);
    return logarithms(seen.castTo(DataType.DOUBLE));
  }

  /** Returns the mask of queries that see all keys. */
  INDArray allKeys() {
    return logarithms(Nd4j.ones(DataType.DOUBLE, shape.seqLength(), numKeys));
  }

  /**
   * @param seen {@code [q, k]}: 1, or 0 where a key is not seen
   */
  private INDArray logarithms(INDArray seen) {
    int q = shape.seqLength();
    INDArray all = seen.reshape(1, 1, 1, q, numKeys);
    Tensor starts = mask.documentStarts();
    if (starts != null) {
      int b = shape.batchSize();
      INDArray start = TensorArrays.of(starts).reshape(q, b).transpose().dup('c');
      INDArray key = positions(mask.keyPositions(), numKeys).castTo(DataType.DOUBLE);
      INDArray after = key.reshape(1, 1, 1, 1, numKeys).sub(start.reshape(b, 1, 1, q, 1)).gte(0);
      all = all.mul(after.castTo(DataType.DOUBLE));
    }
    return Transforms.log(all);
  }

  /** Returns what probabilities are multiplied by, {@code [b, g, r·q, k]}, or 1. */
  INDArray dropout() {
    Dropout dropout = mask.dropout();
    if (dropout == null) {
      return Nd4j.ones(DataType.DOUBLE, 1, 1, 1, 1);
    }
    INDArray keys = positions(mask.keyPositions(), numKeys);
    INDArray queries = positions(mask.queryPositions(), shape.seqLength());
    INDArray heads = Nd4j.arange(shape.numHeads()).castTo(DataType.LONG).add(mask.firstHead());
    int g = shape.numQueryGroups();
    return DropoutArrays.factors(dropout, keys, queries, heads)
        .reshape(shape.batchSize(), g, shape.numHeads() / g * shape.seqLength(), numKeys);
  }

  private static INDArray positions(@Nullable Tensor positions, long count) {
    INDArray all = positions == null ? Nd4j.arange(count) : TensorArrays.typed(positions);
    return all.castTo(DataType.LONG);
  }

  /** Returns the numbers with the smallest one for −∞, which a query without keys has. */
  static INDArray finite(INDArray maxima) {
    return Transforms.max(maxima, -Double.MAX_VALUE);
  }

  /** Returns the sums with 1 for 0, the sum of a query without keys. */
  static INDArray notZero(INDArray sums) {
    return sums.add(sums.eq(0).castTo(DataType.DOUBLE));
  }
}
