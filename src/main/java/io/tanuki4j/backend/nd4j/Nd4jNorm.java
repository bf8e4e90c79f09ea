package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.NormKernels;
import io.tanuki4j.tensor.Tensor;

/** RMSNorm, row by row. */
final class Nd4jNorm implements NormKernels {
  private final Workers workers;

  Nd4jNorm(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void rmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    int h = Rows.columns(x);
    long t = Rows.count(x);
    Expect.matrix("out of rmsNorm", out, t, h);
    Expect.elements("rstd of rmsNorm", rstd, t);
    Expect.elements("weight of rmsNorm", weight, h);
    Expect.sameType("out of rmsNorm", out, x);
    Expect.sameType("weight of rmsNorm", weight, x);
    Expect.sumType("rstd of rmsNorm", rstd, x);
    workers.runParts(
        t,
        Rows.perTask(h),
        (from, to, scratch) -> {
          double[] row = scratch.doubles(0, h);
          double[] scale = scratch.doubles(1, h);
          Elements.load(scale, 0, weight, 0, h);
          for (long i = from; i < to; i++) {
            Elements.load(row, 0, x, i * h, h);
            double r = 1 / Math.sqrt(dot(row, row, h) / h + epsilon);
            for (int j = 0; j < h; j++) {
              row[j] *= r * scale[j];
            }
            Elements.store(out, i * h, row, 0, h);
            Elements.set(rstd, i, r);
          }
        });
  }

  @Override
  public void rmsNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor rstd,
      Tensor weight,
      Accumulate accumulateDx) {
    int h = Rows.columns(x);
    long t = Rows.count(x);
    Expect.matrix("dx of rmsNorm", dx, t, h);
    Expect.matrix("dOut of rmsNorm", dOut, t, h);
    Expect.elements("rstd of rmsNorm", rstd, t);
    Expect.elements("weight of rmsNorm", weight, h);
    Expect.elements("dWeight of rmsNorm", dWeight, h);
    Expect.sameType("dx of rmsNorm", dx, x);
    Expect.sameType("dOut of rmsNorm", dOut, x);
    Expect.sameType("weight of rmsNorm", weight, x);
    Expect.sumType("rstd of rmsNorm", rstd, x);
    Expect.sumType("dWeight of rmsNorm", dWeight, x);
    long rowsPerTask = Rows.perTask(h);
    double[][] sums = new double[Workers.numParts(t, rowsPerTask)][];
    workers.run(
        sums.length,
        (index, scratch) -> {
          long from = index * rowsPerTask;
          RowsBackward rows = new RowsBackward(dx, dOut, x, rstd, weight, accumulateDx);
          sums[index] = rows.run(from, Math.min(t, from + rowsPerTask), scratch);
        });
    addInOrder(dWeight, sums, h);
  }

  private static void addInOrder(Tensor dWeight, double[][] sums, int h) {
    double[] total = new double[h];
    for (double[] sum : sums) {
      for (int j = 0; j < h; j++) {
        total[j] += sum[j];
      }
    }
    double[] old = new double[h];
    Elements.load(old, 0, dWeight, 0, h);
    for (int j = 0; j < h; j++) {
      old[j] += total[j];
    }
    Elements.store(dWeight, 0, old, 0, h);
  }

  private record RowsBackward(
      Tensor dx, Tensor dOut, Tensor x, Tensor rstd, Tensor weight, Accumulate accumulateDx) {

    /** Writes rows of dx; returns their part of dWeight. */
    double[] run(long from, long to, Scratch scratch) {
      int h = Rows.columns(x);
      double[] dWeight = new double[h];
      double[] scale = scratch.doubles(0, h);
      double[] in = scratch.doubles(1, h);
      double[] grad = scratch.doubles(2, h);
      double[] old = scratch.doubles(3, h);
      Elements.load(scale, 0, weight, 0, h);
      for (long i = from; i < to; i++) {
        Elements.load(in, 0, x, i * h, h);
        Elements.load(grad, 0, dOut, i * h, h);
        double r = Elements.get(rstd, i);
        for (int j = 0; j < h; j++) {
          dWeight[j] += grad[j] * in[j] * r;
          grad[j] *= scale[j];
        }
        double pull = r * r * dot(grad, in, h) / h;
        for (int j = 0; j < h; j++) {
          grad[j] = r * (grad[j] - in[j] * pull);
        }
        if (accumulateDx == Accumulate.ADD) {
          Elements.load(old, 0, dx, i * h, h);
          for (int j = 0; j < h; j++) {
            grad[j] += old[j];
          }
        }
        Elements.store(dx, i * h, grad, 0, h);
      }
      return dWeight;
    }
  }

  private static double dot(double[] a, double[] b, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
