package io.tanuki4j.backend.nd4j;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Masks of attention as summands of the scores, {@code [b or 1, 1, 1, q, k]}: 0, or −∞ where a
 * query does not see a key.
 */
final class MaskArrays {
  private MaskArrays() {}

  /** Returns the mask of queries that see the keys up to their own. */
  static INDArray causal(AttentionMask mask, AttentionShape shape) {
    int s = shape.seqLength();
    INDArray index = Nd4j.arange(s).castTo(DataType.DOUBLE);
    INDArray seen = index.reshape(s, 1).sub(index.reshape(1, s)).gte(0);
    return logarithms(seen.castTo(DataType.DOUBLE), mask, shape);
  }

  /** Returns the mask of queries that see all keys. */
  static INDArray ofBlock(AttentionMask mask, AttentionBlock block) {
    AttentionShape shape = block.queries();
    return logarithms(Nd4j.ones(DataType.DOUBLE, shape.seqLength(), block.numKeys()), mask, shape);
  }

  /**
   * @param seen {@code [q, k]}: 1, or 0 where a key is not seen
   */
  private static INDArray logarithms(INDArray seen, AttentionMask mask, AttentionShape shape) {
    long q = seen.size(0);
    long k = seen.size(1);
    CallChecks.mask(mask, shape, (int) k);
    INDArray all = seen.reshape(1, 1, 1, q, k);
    Tensor starts = mask.documentStarts();
    if (starts != null) {
      int b = shape.batchSize();
      INDArray start = TensorArrays.of(starts).reshape(q, b).transpose().dup('c');
      INDArray key = positions(mask.keyPositions(), k).reshape(1, 1, 1, 1, k);
      all = all.mul(key.sub(start.reshape(b, 1, 1, q, 1)).gte(0).castTo(DataType.DOUBLE));
    }
    return Transforms.log(all);
  }

  private static INDArray positions(@Nullable Tensor positions, long count) {
    return positions == null
        ? Nd4j.arange(count).castTo(DataType.DOUBLE)
        : TensorArrays.of(positions);
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
