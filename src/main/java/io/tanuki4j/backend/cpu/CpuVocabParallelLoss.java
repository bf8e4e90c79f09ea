package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.tensor.Tensor;

/** Cross entropy over a part of the vocabulary, token by token. */
final class CpuVocabParallelLoss implements VocabParallelLossKernels {
  private final Workers workers;

  CpuVocabParallelLoss(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void vocabParallelStatistics(
      Tensor statistics, Tensor logits, Tensor targets, long firstId) {
    long t = Rows.count(logits);
    CallChecks.vocabParallelStatistics(statistics, logits, targets);
    int v = Rows.columns(logits);
    workers.runParts(
        t,
        Rows.perTask(v),
        (from, to, scratch) -> {
          Row row = scratch.row(0, logits);
          for (long token = from; token < to; token++) {
            row.load(logits, token * v, v);
            long target = Elements.getInt(targets, token) - firstId;
            Elements.set(statistics, t + token, isHere(target, v) ? row.get((int) target) : 0);
            Elements.set(statistics, token, logSumExp(row));
          }
        });
  }

  /** Returns the row's log-sum-exp, and overwrites the row. */
  private static double logSumExp(Row row) {
    double max = row.max();
    return max + Math.log(row.exp(1, max));
  }

  @Override
  public void vocabParallelLoss(Tensor sums, Tensor statistics, Tensor lossMask, double zLoss) {
    CallChecks.lossSums(sums);
    Parts parts = Parts.of(statistics, lossMask);
    double crossEntropy = 0;
    double zTerms = 0;
    for (long token = 0; token < lossMask.numElements(); token++) {
      double mask = Elements.get(lossMask, token);
      if (mask != 0) {
        double logZ = parts.logZ(token);
        crossEntropy += mask * (logZ - parts.targetLogit(token));
        zTerms += mask * zLoss * logZ * logZ;
      }
    }
    add(sums, LossKernels.CROSS_ENTROPY, crossEntropy);
    add(sums, LossKernels.Z_LOSS, zTerms);
  }

  private static void add(Tensor sums, int index, double value) {
    Elements.set(sums, index, Elements.get(sums, index) + value);
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
    long t = Rows.count(logits);
    CallChecks.gradScale(gradScale);
    CallChecks.tokens(logits, targets, lossMask);
    Expect.sumType("statistics of vocabParallelLoss", statistics, logits);
    Parts parts = Parts.of(statistics, lossMask);
    double scale = Elements.get(gradScale, 0);
    int v = Rows.columns(logits);
    workers.runParts(
        t,
        Rows.perTask(v),
        (from, to, scratch) -> {
          Row row = scratch.row(0, logits);
          for (long token = from; token < to; token++) {
            double weight = scale * Elements.get(lossMask, token);
            long target = Elements.getInt(targets, token) - firstId;
            row.load(logits, token * v, v);
            toGradient(row, weight, parts.logZ(token), target, zLoss);
            row.store(logits, token * v);
          }
        });
  }

  private static void toGradient(Row row, double weight, double logZ, long target, double zLoss) {
    if (weight == 0) {
      row.fill(0, row.length());
      return;
    }
    row.exp(1, logZ);
    row.scale(weight * (1 + 2 * zLoss * logZ));
    if (isHere(target, row.length())) {
      row.set((int) target, row.get((int) target) - weight);
    }
  }

  private static boolean isHere(long target, int v) {
    return target >= 0 && target < v;
  }

  /** The statistics of all parts of the vocabulary. */
  private record Parts(Tensor statistics, long numParts, long numTokens) {
    static Parts of(Tensor statistics, Tensor lossMask) {
      long numParts = CallChecks.vocabParallelParts(statistics, lossMask);
      return new Parts(statistics, numParts, lossMask.numElements());
    }

    /** Returns the log-sum-exp of the whole vocabulary. */
    double logZ(long token) {
      double max = Double.NEGATIVE_INFINITY;
      for (long part = 0; part < numParts; part++) {
        max = Math.max(max, get(part, 0, token));
      }
      double sum = 0;
      for (long part = 0; part < numParts; part++) {
        sum += Math.exp(get(part, 0, token) - max);
      }
      return max + Math.log(sum);
    }

    double targetLogit(long token) {
      double sum = 0;
      for (long part = 0; part < numParts; part++) {
        sum += get(part, 1, token);
      }
      return sum;
    }

    private double get(long part, long statistic, long token) {
      long row = part * NUM_STATISTICS + statistic;
      return Elements.get(statistics, row * numTokens + token);
    }
  }
}
