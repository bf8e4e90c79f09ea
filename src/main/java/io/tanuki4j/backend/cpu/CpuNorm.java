package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.kernel.NormKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** RMSNorm, row by row. */
final class CpuNorm implements NormKernels {
  private final Workers workers;
  private final ElementwiseKernels elementwise;

  CpuNorm(Workers workers, ElementwiseKernels elementwise) {
    this.workers = workers;
    this.elementwise = elementwise;
  }

  @Override
  public void rmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    int h = Rows.columns(x);
    long t = Rows.count(x);
    CallChecks.rmsNorm(out, rstd, x, weight);
    workers.runParts(
        t,
        Rows.perTask(h),
        (from, to, scratch) -> {
          Row row = scratch.row(0, x);
          Row scale = scratch.row(1, x);
          scale.load(weight, 0, h);
          for (long i = from; i < to; i++) {
            row.load(x, i * h, h);
            double r = 1 / Math.sqrt(row.dot(row) / h + epsilon);
            row.multiply(r, scale);
            row.store(out, i * h);
            Elements.set(rstd, i, r);
          }
        });
  }

  @Override
  public void addRmsNormForward(
      Tensor sum, Tensor out, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon) {
    elementwise.add(sum, x, delta);
    rmsNormForward(out, rstd, sum, weight, epsilon);
  }

  @Override
  public void rmsNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor rstd,
      Tensor weight,
      @Nullable Tensor residual) {
    int h = Rows.columns(x);
    long t = Rows.count(x);
    CallChecks.rmsNorm(dx, rstd, x, weight);
    CallChecks.rmsNormGradients(dWeight, dOut, x, residual);

    Backward backward = new Backward(dx, dOut, x, rstd, weight, residual);
    try (RowSums sums = new RowSums(workers, t, h, 1, rstd.dtype())) {
      sums.run(backward::run);
      sums.addTo(dWeight, 0);
    }
  }

  private record Backward(
      Tensor dx, Tensor dOut, Tensor x, Tensor rstd, Tensor weight, @Nullable Tensor residual) {

    /** Writes rows of dx, and their part of dWeight. */
    void run(long from, long to, RowSums.Part part, Scratch scratch) {
      int h = Rows.columns(x);
      Row scale = scratch.row(0, x);
      Row in = scratch.row(1, x);
      Row grad = scratch.row(2, x);
      Row dWeight = scratch.row(3, x);
      scale.load(weight, 0, h);
      dWeight.fill(0, h);
      for (long i = from; i < to; i++) {
        in.load(x, i * h, h);
        grad.load(dOut, i * h, h);
        double r = Elements.get(rstd, i);
        dWeight.addProduct(r, grad, in);
        grad.multiply(1, scale);
        grad.combine(r, -r * r * r * grad.dot(in) / h, in);
        if (residual != null) {
          in.load(residual, i * h, h);
          grad.add(in);
        }
        grad.store(dx, i * h);
      }
      part.store(0, dWeight);
    }
  }
}
