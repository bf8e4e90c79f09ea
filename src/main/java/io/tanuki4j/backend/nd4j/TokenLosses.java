package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What the losses of a whole and of a sharded vocabulary have in common. Masks, targets' logits and
 * log Z are columns {@code [t, 1]}.
 */
final class TokenLosses {
  private TokenLosses() {}

  /**
   * Returns each target as a column of some logits; a number outside of them if it is not there.
   *
   * @param firstId the id of the first column
   */
  static long[] columns(Tensor targets, long firstId) {
    int[] ids = TensorArrays.ints(targets);
    long[] columns = new long[ids.length];
    for (int i = 0; i < ids.length; i++) {
      columns[i] = ids[i] - firstId;
    }
    return columns;
  }

  private static boolean isHere(long column, INDArray logits) {
    return column >= 0 && column < logits.size(1);
  }

  /** Checks the targets of all tokens that count. */
  static void requireHere(long[] columns, INDArray mask, INDArray logits) {
    for (int i = 0; i < columns.length; i++) {
      if (mask.getDouble(i, 0) != 0 && !isHere(columns[i], logits)) {
        throw new IllegalArgumentException(
            "target id: %d (expected: 0 to %d)".formatted(columns[i], logits.size(1) - 1));
      }
    }
  }

  /** Sets the rows of tokens that are left out to 0, whatever is in them. */
  static void clearMasked(INDArray rows, INDArray mask) {
    for (int i = 0; i < rows.size(0); i++) {
      if (mask.getDouble(i, 0) == 0) {
        rows.getRow(i).assign(0);
      }
    }
  }

  /** Returns each target's logit; 0 if it is not here. */
  static INDArray targetLogits(INDArray logits, long[] columns) {
    INDArray picked = Nd4j.create(DataType.DOUBLE, columns.length, 1);
    for (int i = 0; i < columns.length; i++) {
      if (isHere(columns[i], logits)) {
        picked.putScalar(i, 0, logits.getDouble(i, columns[i]));
      }
    }
    return picked;
  }

  /** Adds {@code mask · (log Z − logit)} and {@code mask · zLoss · (log Z)²} of all tokens. */
  static void add(Tensor sums, INDArray mask, INDArray logZ, INDArray targetLogits, double zLoss) {
    INDArray all = TensorArrays.of(sums);
    double crossEntropy = mask.mul(logZ.sub(targetLogits)).sumNumber().doubleValue();
    double zTerms = mask.mul(logZ).mul(logZ).mul(zLoss).sumNumber().doubleValue();
    all.putScalar(
        LossKernels.CROSS_ENTROPY, all.getDouble(LossKernels.CROSS_ENTROPY) + crossEntropy);
    all.putScalar(LossKernels.Z_LOSS, all.getDouble(LossKernels.Z_LOSS) + zTerms);
    TensorArrays.put(sums, all);
  }

  /**
   * Returns {@code weight · (p · (1 + 2 · zLoss · log Z) − [column = target])}.
   *
   * @param weight {@code gradScale · mask}
   */
  static INDArray gradient(
      INDArray p, INDArray logZ, long[] columns, INDArray weight, double zLoss) {
    INDArray gradient = p.mul(logZ.mul(2 * zLoss).add(1));
    for (int i = 0; i < columns.length; i++) {
      if (isHere(columns[i], p)) {
        gradient.putScalar(i, columns[i], gradient.getDouble(i, columns[i]) - 1);
      }
    }
    gradient.muli(weight);
    clearMasked(gradient, weight);
    return gradient;
  }
}
