package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.kernel.OptimizerKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/** Norm, clip factor and AdamW over flat buffers, by rows of a fixed size. */
final class CpuOptimizer implements OptimizerKernels {
  private static final int ROW = 1024;
  private static final long PART = 16 * ROW;

  private final Workers workers;

  CpuOptimizer(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void sumOfSquares(Tensor out, Tensor x) {
    Expect.elements("out of sumOfSquares", out, 1);
    Expect.dtype("out of sumOfSquares", out, DType.F64);
    BlockStack memory = workers.scratch().memory();
    BlockStack.Mark mark = memory.mark();
    int numParts = Workers.numParts(x.numElements(), PART);
    Tensor sums = memory.push(Shape.of(numParts), DType.F64);
    workers.runParts(
        x.numElements(),
        PART,
        (from, to, scratch) -> {
          Row row = scratch.row(0, x);
          double sum = 0;
          for (long i = from; i < to; i += ROW) {
            row.load(x, i, (int) Math.min(ROW, to - i));
            sum += row.sumOfSquares();
          }
          Elements.set(sums, from / PART, sum);
        });
    double total = Elements.get(out, 0);
    for (int i = 0; i < numParts; i++) {
      total += Elements.get(sums, i);
    }
    Elements.set(out, 0, total);
    memory.backTo(mark);
  }

  @Override
  public void clipFactor(
      Tensor norm, Tensor factor, Tensor sumOfSquares, double maxNorm, double lossScale) {
    Expect.dtype("norm of clipFactor", norm, DType.F64);
    Expect.dtype("factor of clipFactor", factor, DType.F64);
    Expect.dtype("sumOfSquares of clipFactor", sumOfSquares, DType.F64);
    double value = Math.sqrt(Elements.get(sumOfSquares, 0)) / lossScale;
    Elements.set(norm, 0, value);
    double clip = Math.min(1, maxNorm / (value + 1e-6));
    Elements.set(factor, 0, Double.isFinite(value) ? clip / lossScale : Double.NaN);
  }

  @Override
  public void adamW(
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad,
      Tensor factor,
      AdamWStep step) {
    Update update = new Update(weight, master, firstMoment, secondMoment, grad, step);
    CallChecks.adamW(weight, master, firstMoment, secondMoment, grad, factor);
    double clip = Elements.get(factor, 0);
    if (Double.isNaN(clip)) {
      return;
    }
    AdamWFactors factors = AdamWFactors.of(step, clip);
    workers.runParts(
        master.numElements(),
        PART,
        (from, to, scratch) -> {
          for (long i = from; i < to; i += ROW) {
            update.run(i, (int) Math.min(ROW, to - i), factors, scratch);
          }
        });
  }

  /** The tensors of one update. */
  private record Update(
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad,
      AdamWStep step) {

    void run(long first, int count, AdamWFactors factors, Scratch scratch) {
      Row w = scratch.row(0, master);
      Row m = scratch.row(1, master);
      Row v = scratch.row(2, master);
      Row g = scratch.row(3, master);
      w.load(master, first, count);
      m.load(firstMoment, first, count);
      v.load(secondMoment, first, count);
      g.load(grad, first, count);
      w.adamW(m, v, g, factors);
      m.store(firstMoment, first);
      storeSmallSteps(v, secondMoment, first, StochasticRounding.HIGH_HALF);
      storeSmallSteps(w, master, first, StochasticRounding.LOW_HALF);
      if (!sameMemory(weight, master)) {
        w.store(weight, first);
      }
    }

    private void storeSmallSteps(Row row, Tensor target, long first, int half) {
      if (target.dtype() == DType.BF16) {
        long element = step.firstElement() + first;
        new StochasticRounding(step.iteration(), half).apply(row, element);
      }
      row.store(target, first);
    }

    private static boolean sameMemory(Tensor a, Tensor b) {
      return a.buffer().equals(b.buffer()) && a.byteOffset() == b.byteOffset();
    }
  }
}
