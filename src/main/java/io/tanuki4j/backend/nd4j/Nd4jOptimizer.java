package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.OptimizerKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Norm, clip factor and AdamW over flat buffers, by parts of a fixed size. */
final class Nd4jOptimizer implements OptimizerKernels {
  private static final int PART = 4096;

  private final Workers workers;

  Nd4jOptimizer(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void sumOfSquares(Tensor out, Tensor x) {
    Expect.elements("out of sumOfSquares", out, 1);
    Expect.dtype("out of sumOfSquares", out, DType.F64);
    double[] sums = new double[Workers.numParts(x.numElements(), PART)];
    workers.runParts(
        x.numElements(),
        PART,
        (from, to, scratch) -> {
          double[] values = scratch.doubles(0, PART);
          int count = (int) (to - from);
          Elements.load(values, 0, x, from, count);
          double sum = 0;
          for (int i = 0; i < count; i++) {
            sum += values[i] * values[i];
          }
          sums[(int) (from / PART)] = sum;
        });
    double total = Elements.get(out, 0);
    for (double sum : sums) {
      total += sum;
    }
    Elements.set(out, 0, total);
  }

  @Override
  public void clipFactor(Tensor norm, Tensor factor, Tensor sumOfSquares, double maxNorm) {
    Expect.dtype("norm of clipFactor", norm, DType.F64);
    Expect.dtype("factor of clipFactor", factor, DType.F64);
    Expect.dtype("sumOfSquares of clipFactor", sumOfSquares, DType.F64);
    double value = Math.sqrt(Elements.get(sumOfSquares, 0));
    Elements.set(norm, 0, value);
    Elements.set(
        factor, 0, Double.isFinite(value) ? Math.min(1, maxNorm / (value + 1e-6)) : Double.NaN);
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
    check(weight, master, firstMoment, secondMoment, grad, factor);
    double clip = Elements.get(factor, 0);
    if (Double.isNaN(clip)) {
      return;
    }
    Update update = Update.of(step, clip);
    workers.runParts(
        master.numElements(),
        PART,
        (from, to, scratch) -> {
          int count = (int) (to - from);
          double[] w = scratch.doubles(0, PART);
          double[] m = scratch.doubles(1, PART);
          double[] v = scratch.doubles(2, PART);
          double[] g = scratch.doubles(3, PART);
          Elements.load(w, 0, master, from, count);
          Elements.load(m, 0, firstMoment, from, count);
          Elements.load(v, 0, secondMoment, from, count);
          Elements.load(g, 0, grad, from, count);
          update.apply(w, m, v, g, count);
          Elements.store(firstMoment, from, m, 0, count);
          Elements.store(secondMoment, from, v, 0, count);
          Elements.store(master, from, w, 0, count);
          if (weight != master) {
            Elements.store(weight, from, w, 0, count);
          }
        });
  }

  private static void check(
      Tensor weight, Tensor master, Tensor m, Tensor v, Tensor grad, Tensor factor) {
    long k = master.numElements();
    Expect.elements("weight of adamW", weight, k);
    Expect.elements("firstMoment of adamW", m, k);
    Expect.elements("secondMoment of adamW", v, k);
    Expect.elements("grad of adamW", grad, k);
    Expect.dtype("factor of adamW", factor, DType.F64);
  }

  /** The numbers of a step that are the same for every element. */
  private record Update(AdamWStep step, double clip, double correction1, double correction2) {
    static Update of(AdamWStep step, double clip) {
      return new Update(
          step,
          clip,
          1 - Math.pow(step.beta1(), step.iteration()),
          1 - Math.pow(step.beta2(), step.iteration()));
    }

    void apply(double[] w, double[] m, double[] v, double[] grad, int count) {
      for (int i = 0; i < count; i++) {
        double g = clip * grad[i];
        m[i] = step.beta1() * m[i] + (1 - step.beta1()) * g;
        v[i] = step.beta2() * v[i] + (1 - step.beta2()) * g * g;
        double change = m[i] / correction1 / (Math.sqrt(v[i] / correction2) + step.epsilon());
        w[i] -= step.learningRate() * (change + step.weightDecay() * w[i]);
      }
    }
  }
}
