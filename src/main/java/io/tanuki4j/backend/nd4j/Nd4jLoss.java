package io.tanuki4j.backend.nd4j;

import static io.tanuki4j.backend.nd4j.TensorArrays.column;
import static io.tanuki4j.backend.nd4j.TensorArrays.matrix;
import static io.tanuki4j.backend.nd4j.TensorArrays.put;
import static io.tanuki4j.backend.nd4j.TensorArrays.row;
import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.point;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Cross entropy over the whole vocabulary or a part of it. Masks, targets' logits and log Z are
 * columns {@code [t, 1]}.
 */
final class Nd4jLoss implements LossKernels, VocabParallelLossKernels {
  @Override
  public void crossEntropyForward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, double zLoss) {
    INDArray mask = column(lossMask);
    INDArray x = counted(matrix(logits), mask);
    long[] columns = columns(targets, 0);
    requireHere(columns, mask, x);
    add(sums, mask, logSumExp(x), targetLogits(x, columns), zLoss);
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, Tensor gradScale, double zLoss) {
    crossEntropyForward(sums, logits, targets, lossMask, zLoss);
    INDArray logZ = logSumExp(counted(matrix(logits), column(lossMask)));
    put(logits, gradient(logits, logZ, columns(targets, 0), lossMask, gradScale, zLoss));
  }

  @Override
  public void vocabParallelStatistics(
      Tensor statistics, Tensor logits, Tensor targets, long firstId) {
    INDArray x = matrix(logits);
    put(statistics, Nd4j.concat(0, logSumExp(x), targetLogits(x, columns(targets, firstId))));
  }

  @Override
  public void vocabParallelLoss(Tensor sums, Tensor statistics, Tensor lossMask, double zLoss) {
    INDArray mask = column(lossMask);
    INDArray logZ = logSumExp(statistic(statistics, 0, lossMask));
    INDArray targetLogits = statistic(statistics, 1, lossMask).sum(true, 1);
    add(sums, mask, counted(logZ, mask), counted(targetLogits, mask), zLoss);
  }

  @Override
  public void vocabParallelLossBackward(
      Tensor logits,
      Tensor statistics,
      Tensor targets,
      Tensor lossMask,
      Tensor gradScale,
      long firstId,
      double zLoss) {
    INDArray logZ = logSumExp(statistic(statistics, 0, lossMask));
    put(logits, gradient(logits, logZ, columns(targets, firstId), lossMask, gradScale, zLoss));
  }

  /** Returns a statistic of all parts, {@code [t, parts]}. */
  private static INDArray statistic(Tensor statistics, int index, Tensor lossMask) {
    long tokens = lossMask.numElements();
    long parts = statistics.numElements() / (NUM_STATISTICS * tokens);
    return TensorArrays.of(statistics)
        .reshape(parts, NUM_STATISTICS, tokens)
        .get(all(), point(index), all())
        .dup('c')
        .reshape(parts, tokens)
        .transpose();
  }

  /**
   * Returns each target as a column of some logits; a number outside of them if it is not there.
   *
   * @param firstId the id of the first column
   */
  private static long[] columns(Tensor targets, long firstId) {
    return Arrays.stream(TensorArrays.ints(targets)).mapToLong(id -> id - firstId).toArray();
  }

  private static boolean isHere(long column, INDArray logits) {
    return column >= 0 && column < logits.size(1);
  }

  /** Checks the targets of all tokens that count. */
  private static void requireHere(long[] columns, INDArray mask, INDArray logits) {
    for (int i = 0; i < columns.length; i++) {
      if (mask.getDouble(i, 0) != 0 && !isHere(columns[i], logits)) {
        throw new IllegalArgumentException(
            "target id: %d (expected: 0 to %d)".formatted(columns[i], logits.size(1) - 1));
      }
    }
  }

  /** Sets the rows of tokens that are left out to 0, whatever is in them. */
  private static INDArray counted(INDArray rows, INDArray mask) {
    for (int i = 0; i < rows.size(0); i++) {
      if (mask.getDouble(i, 0) == 0) {
        rows.getRow(i).assign(0);
      }
    }
    return rows;
  }

  private static INDArray logSumExp(INDArray x) {
    INDArray max = x.max(true, 1);
    return max.add(Transforms.log(Transforms.exp(x.sub(max)).sum(true, 1)));
  }

  /** Returns each target's logit; 0 if it is not here. */
  private static INDArray targetLogits(INDArray logits, long[] columns) {
    INDArray picked = Nd4j.create(DataType.DOUBLE, columns.length, 1);
    for (int i = 0; i < columns.length; i++) {
      if (isHere(columns[i], logits)) {
        picked.putScalar(i, 0, logits.getDouble(i, columns[i]));
      }
    }
    return picked;
  }

  /** Adds {@code mask · (log Z − logit)} and {@code mask · zLoss · (log Z)²} of all tokens. */
  private static void add(
      Tensor sums, INDArray mask, INDArray logZ, INDArray targetLogits, double zLoss) {
    double[] added = new double[NUM_SUMS];
    added[CROSS_ENTROPY] = mask.mul(logZ.sub(targetLogits)).sumNumber().doubleValue();
    added[Z_LOSS] = mask.mul(logZ).mul(logZ).mul(zLoss).sumNumber().doubleValue();
    put(sums, row(sums).add(Nd4j.createFromArray(added).reshape(1, NUM_SUMS)));
  }

  /** Returns {@code gradScale · mask · (p · (1 + 2 · zLoss · log Z) − [column = target])}. */
  private static INDArray gradient(
      Tensor logits,
      INDArray logZ,
      long[] columns,
      Tensor lossMask,
      Tensor gradScale,
      double zLoss) {
    INDArray mask = column(lossMask);
    INDArray log = counted(logZ, mask);
    INDArray p = Transforms.exp(counted(matrix(logits), mask).sub(log));
    INDArray gradient = p.mul(log.mul(2 * zLoss).add(1));
    for (int i = 0; i < columns.length; i++) {
      if (isHere(columns[i], p)) {
        gradient.putScalar(i, columns[i], gradient.getDouble(i, columns[i]) - 1);
      }
    }
    INDArray weight = mask.mul(TensorArrays.scalar(gradScale));
    return counted(gradient.mul(weight), weight);
  }
}
