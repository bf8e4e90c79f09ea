package io.tanuki4j.backend.cpu;

import static io.tanuki4j.kernel.LayerNormKernels.NUM_STATISTICS;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.kernel.LayerNormKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** LayerNorm, row by row. */
final class CpuLayerNorm implements LayerNormKernels {
  private final Workers workers;

  CpuLayerNorm(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void layerNormForward(
      Tensor out, Tensor statistics, Tensor x, Tensor weight, Tensor bias, double epsilon) {
    int h = Rows.columns(x);
    long t = Rows.count(x);
    CallChecks.layerNorm(out, statistics, x, weight);
    Expect.elements("bias of layerNorm", bias, h);
    Expect.sameType("bias of layerNorm", bias, x);
    workers.runParts(
        t,
        Rows.perTask(h),
        (from, to, scratch) -> {
          Row row = scratch.row(0, x);
          Row ones = scratch.row(1, x);
          Row scale = scratch.row(2, x);
          Row shift = scratch.row(3, x);
          ones.fill(1, h);
          scale.load(weight, 0, h);
          shift.load(bias, 0, h);
          for (long i = from; i < to; i++) {
            row.load(x, i * h, h);
            double mean = row.dot(ones) / h;
            row.combine(1, -mean, ones);
            double rstd = 1 / Math.sqrt(row.dot(row) / h + epsilon);
            row.multiply(rstd, scale);
            row.add(shift);
            row.store(out, i * h);
            Elements.set(statistics, NUM_STATISTICS * i, mean);
            Elements.set(statistics, NUM_STATISTICS * i + 1, rstd);
          }
        });
  }

  @Override
  public void layerNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor x,
      Tensor statistics,
      Tensor weight,
      @Nullable Tensor residual) {
    int h = Rows.columns(x);
    long t = Rows.count(x);
    CallChecks.layerNorm(dx, statistics, x, weight);
    CallChecks.layerNormGradients(dWeight, dBias, dOut, x, residual);
    Backward backward = new Backward(dx, dOut, x, statistics, weight, residual);
    try (RowSums sums = new RowSums(workers, t, h, 2, statistics.dtype())) {
      sums.run(backward::run);
      sums.addTo(dWeight, 0);
      sums.addTo(dBias, 1);
    }
  }

  private record Backward(
      Tensor dx,
      Tensor dOut,
      Tensor x,
      Tensor statistics,
      Tensor weight,
      @Nullable Tensor residual) {

    /** Writes rows of dx, and their parts of dWeight and dBias. */
    void run(long from, long to, RowSums.Part part, Scratch scratch) {
      int h = Rows.columns(x);
      Row scale = scratch.row(0, x);
      Row ones = scratch.row(1, x);
      Row dWeight = scratch.row(2, x);
      Row dBias = scratch.row(3, x);
      Row normed = scratch.row(4, x);
      Row grad = scratch.row(5, x);
      scale.load(weight, 0, h);
      ones.fill(1, h);
      dWeight.fill(0, h);
      dBias.fill(0, h);
      for (long i = from; i < to; i++) {
        double rstd = Elements.get(statistics, NUM_STATISTICS * i + 1);
        normed.load(x, i * h, h);
        normed.combine(rstd, -rstd * Elements.get(statistics, NUM_STATISTICS * i), ones);
        grad.load(dOut, i * h, h);
        dWeight.addProduct(1, grad, normed);
        dBias.add(grad);
        grad.multiply(1, scale);
        double mean = grad.dot(ones) / h;
        double along = grad.dot(normed) / h;
        grad.combine(rstd, -rstd * mean, ones);
        grad.combine(1, -rstd * along, normed);
        if (residual != null) {
          normed.load(residual, i * h, h);
          grad.add(normed);
        }
        grad.store(dx, i * h);
      }
      part.store(0, dWeight);
      part.store(1, dBias);
    }
  }
}
