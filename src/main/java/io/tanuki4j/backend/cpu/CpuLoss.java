package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/** Cross entropy, token by token. */
final class CpuLoss implements LossKernels {
  private final Workers workers;

  CpuLoss(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void crossEntropyForward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, double zLoss) {
    run(sums, new Tokens(logits, targets, lossMask, zLoss, false, 0));
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, Tensor gradScale, double zLoss) {
    CallChecks.gradScale(gradScale);
    double scale = Elements.get(gradScale, 0);
    run(sums, new Tokens(logits, targets, lossMask, zLoss, true, scale));
  }

  private void run(Tensor sums, Tokens tokens) {
    CallChecks.lossSums(sums);
    CallChecks.tokens(tokens.logits(), tokens.targets(), tokens.lossMask());
    long t = Rows.count(tokens.logits());
    BlockStack memory = workers.scratch().memory();
    BlockStack.Mark mark = memory.mark();
    Tensor terms = memory.push(Shape.of(NUM_SUMS, t), DType.F64);
    workers.runParts(
        t,
        Rows.perTask(Rows.columns(tokens.logits())),
        (from, to, scratch) -> {
          for (long i = from; i < to; i++) {
            tokens.run(i, terms, scratch);
          }
        });
    addTerms(sums, CROSS_ENTROPY, terms);
    addTerms(sums, Z_LOSS, terms);
    memory.backTo(mark);
  }

  private static void addTerms(Tensor sums, int index, Tensor terms) {
    long t = terms.dim(1);
    double sum = 0;
    for (long i = 0; i < t; i++) {
      sum += Elements.get(terms, index * t + i);
    }
    Elements.set(sums, index, Elements.get(sums, index) + sum);
  }

  /** The arguments of one call. */
  private record Tokens(
      Tensor logits,
      Tensor targets,
      Tensor lossMask,
      double zLoss,
      boolean backward,
      double gradScale) {

    /** Sets the terms of one token and, if asked for, replaces its logits by their gradient. */
    void run(long token, Tensor terms, Scratch scratch) {
      int v = Rows.columns(logits);
      double mask = Elements.get(lossMask, token);
      int target = target(token);
      Row row = scratch.row(0, logits);
      double crossEntropy = 0;
      double zTerm = 0;
      if (mask == 0) {
        row.fill(0, v);
      } else {
        row.load(logits, token * v, v);
        double targetLogit = row.get(target);
        double max = row.max();
        double sum = row.exp(1, max);
        double logZ = max + Math.log(sum);
        crossEntropy = mask * (logZ - targetLogit);
        zTerm = mask * zLoss * logZ * logZ;
        double scale = gradScale * mask;
        row.scale(scale * (1 + 2 * zLoss * logZ) / sum);
        row.set(target, row.get(target) - scale);
      }
      long t = terms.dim(1);
      Elements.set(terms, CROSS_ENTROPY * t + token, crossEntropy);
      Elements.set(terms, Z_LOSS * t + token, zTerm);
      if (backward) {
        row.store(logits, token * v);
      }
    }

    private int target(long token) {
      int target = Elements.getInt(targets, token);
      if (target < 0 || target >= logits.dim(-1)) {
        throw new IllegalArgumentException(
            "target id: %d (expected: 0 to %d)".formatted(target, logits.dim(-1) - 1));
      }
      return target;
    }
  }
}
