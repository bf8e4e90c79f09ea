package io.tanuki4j.backend.nd4j;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.RopeKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Rotary position embedding. */
final class Nd4jRope implements RopeKernels {
  @Override
  public void ropeForward(
      Tensor qkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape) {
    CallChecks.rope(qkv, cos, sin, rows, shape);
    rotate(qkv, perToken(cos, rows, shape), perToken(sin, rows, shape), shape);
  }

  @Override
  public void ropeBackward(
      Tensor dQkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape) {
    CallChecks.rope(dQkv, cos, sin, rows, shape);
    rotate(dQkv, perToken(cos, rows, shape), perToken(sin, rows, shape).neg(), shape);
  }

  /** Returns each token's row of a table, {@code [s, b or 1, 1, rotaryDim/2]}. */
  private static INDArray perToken(Tensor table, @Nullable Tensor rows, AttentionShape shape) {
    INDArray all = TensorArrays.matrix(table);
    if (rows == null) {
      return all.reshape(shape.seqLength(), 1, 1, table.dim(-1));
    }
    int[] indices = TensorArrays.ints(rows);
    for (int index : indices) {
      if (index < 0 || index >= all.size(0)) {
        throw new IllegalArgumentException(
            "row of rope's tables: %d (expected: 0 to %d)".formatted(index, all.size(0) - 1));
      }
    }
    INDArray picked = Nd4j.pullRows(all, 1, indices);
    return picked.reshape(shape.seqLength(), shape.batchSize(), 1, table.dim(-1));
  }

  private static void rotate(Tensor qkv, INDArray cos, INDArray sin, AttentionShape shape) {
    long half = cos.size(3);
    int rotated = shape.numHeads() + shape.numQueryGroups();
    INDArray heads = new HeadArrays(shape).perToken(qkv);
    INDArray first = heads.get(all(), all(), interval(0, rotated), interval(0, half));
    INDArray second = heads.get(all(), all(), interval(0, rotated), interval(half, 2 * half));
    INDArray x1 = first.dup();
    INDArray x2 = second.dup();
    first.assign(x1.mul(cos).sub(x2.mul(sin)));
    second.assign(x2.mul(cos).add(x1.mul(sin)));
    TensorArrays.put(qkv, heads);
  }
}
