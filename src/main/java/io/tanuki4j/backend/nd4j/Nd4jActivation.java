package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.tensor.Tensor;

/** SwiGLU, row by row. */
final class Nd4jActivation implements ActivationKernels {
  private final Workers workers;

  Nd4jActivation(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void swiGluForward(Tensor out, Tensor gateUp) {
    int f = Rows.columns(out);
    long t = Rows.count(out);
    Expect.matrix("gateUp of swiGlu", gateUp, t, 2L * f);
    Expect.sameType("gateUp of swiGlu", gateUp, out);
    workers.runParts(
        t,
        Rows.perTask(2 * f),
        (from, to, scratch) -> {
          double[] in = scratch.doubles(0, 2 * f);
          double[] row = scratch.doubles(1, f);
          for (long i = from; i < to; i++) {
            Elements.load(in, 0, gateUp, i * 2 * f, 2 * f);
            for (int j = 0; j < f; j++) {
              row[j] = in[j] / (1 + Math.exp(-in[j])) * in[f + j];
            }
            Elements.store(out, i * f, row, 0, f);
          }
        });
  }

  @Override
  public void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp) {
    int f = Rows.columns(dOut);
    long t = Rows.count(dOut);
    Expect.matrix("gateUp of swiGlu", gateUp, t, 2L * f);
    Expect.matrix("dGateUp of swiGlu", dGateUp, t, 2L * f);
    Expect.sameType("gateUp of swiGlu", gateUp, dOut);
    Expect.sameType("dGateUp of swiGlu", dGateUp, dOut);
    workers.runParts(
        t,
        Rows.perTask(2 * f),
        (from, to, scratch) -> {
          double[] row = scratch.doubles(0, 2 * f);
          double[] grad = scratch.doubles(1, f);
          for (long i = from; i < to; i++) {
            Elements.load(row, 0, gateUp, i * 2 * f, 2 * f);
            Elements.load(grad, 0, dOut, i * f, f);
            toGradient(row, grad, f);
            Elements.store(dGateUp, i * 2 * f, row, 0, 2 * f);
          }
        });
  }

  /** Replaces a row of gate and up by their gradients. */
  private static void toGradient(double[] row, double[] dOut, int f) {
    for (int j = 0; j < f; j++) {
      double gate = row[j];
      double sigmoid = 1 / (1 + Math.exp(-gate));
      double dSilu = sigmoid * (1 + gate * (1 - sigmoid));
      row[j] = dOut[j] * row[f + j] * dSilu;
      row[f + j] = dOut[j] * gate * sigmoid;
    }
  }
}
