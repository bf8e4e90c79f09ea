package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Cross entropy, token by token. */
final class Nd4jLoss implements LossKernels {
  private final Workers workers;

  Nd4jLoss(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void crossEntropyForward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, double zLoss) {
    run(sums, logits, targets, lossMask, null, zLoss);
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, Tensor gradScale, double zLoss) {
    run(sums, logits, targets, lossMask, gradScale, zLoss);
  }

  private void run(
      Tensor sums,
      Tensor logits,
      Tensor targets,
      Tensor lossMask,
      @Nullable Tensor gradScale,
      double zLoss) {
    long t = Rows.count(logits);
    check(sums, targets, lossMask, t);
    double[] crossEntropy = new double[Math.toIntExact(t)];
    double[] zTerm = new double[crossEntropy.length];
    double scale = 0;
    if (gradScale != null) {
      Expect.dtype("gradScale of crossEntropy", gradScale, DType.F64);
      scale = Elements.get(gradScale, 0);
    }
    boolean backward = gradScale != null;
    double gradientScale = scale;
    workers.runParts(
        t,
        Rows.perTask(Rows.columns(logits)),
        (from, to, scratch) -> {
          for (int i = (int) from; i < to; i++) {
            double mask = Elements.get(lossMask, i);
            int target = targetOf(targets, i, logits);
            Token token = Token.read(logits, i, target, scratch);
            double logZ = token.logZ();
            crossEntropy[i] = mask == 0 ? 0 : mask * (logZ - token.targetLogit());
            zTerm[i] = mask == 0 ? 0 : mask * zLoss * logZ * logZ;
            if (backward) {
              token.writeGradient(logits, i, gradientScale * mask, zLoss);
            }
          }
        });
    Elements.set(sums, CROSS_ENTROPY, Elements.get(sums, CROSS_ENTROPY) + sum(crossEntropy));
    Elements.set(sums, Z_LOSS, Elements.get(sums, Z_LOSS) + sum(zTerm));
  }

  private static void check(Tensor sums, Tensor targets, Tensor lossMask, long t) {
    Expect.elements("sums of crossEntropy", sums, NUM_SUMS);
    Expect.dtype("sums of crossEntropy", sums, DType.F64);
    Expect.elements("targets of crossEntropy", targets, t);
    Expect.dtype("targets of crossEntropy", targets, DType.I32);
    Expect.elements("lossMask of crossEntropy", lossMask, t);
    Expect.dtype("lossMask of crossEntropy", lossMask, DType.F32);
  }

  private static int targetOf(Tensor targets, long i, Tensor logits) {
    int target = Elements.getInt(targets, i);
    if (target < 0 || target >= logits.dim(-1)) {
      throw new IllegalArgumentException(
          "target id: %d (expected: 0 to %d)".formatted(target, logits.dim(-1) - 1));
    }
    return target;
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }

  /** The softmax of one row of logits: {@code exp(logit − logZ)} is a probability. */
  private record Token(double[] row, int v, int target, double targetLogit, double logZ) {
    static Token read(Tensor logits, long i, int target, Scratch scratch) {
      int v = Rows.columns(logits);
      double[] row = scratch.doubles(0, v);
      Elements.load(row, 0, logits, i * v, v);
      double max = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < v; j++) {
        max = Math.max(max, row[j]);
      }
      double sum = 0;
      for (int j = 0; j < v; j++) {
        sum += Math.exp(row[j] - max);
      }
      return new Token(row, v, target, row[target], max + Math.log(sum));
    }

    void writeGradient(Tensor logits, long i, double scale, double zLoss) {
      double factor = scale * (1 + 2 * zLoss * logZ);
      for (int j = 0; j < v; j++) {
        row[j] = scale == 0 ? 0 : factor * Math.exp(row[j] - logZ);
      }
      row[target] -= scale;
      Elements.store(logits, i * v, row, 0, v);
    }
  }
}
