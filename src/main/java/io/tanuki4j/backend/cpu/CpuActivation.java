package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.tensor.Tensor;

/** SwiGLU, row by row. */
final class CpuActivation implements ActivationKernels {
  private final Workers workers;

  CpuActivation(Workers workers) {
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
          Row gate = scratch.row(0, out);
          Row up = scratch.row(1, out);
          for (long i = from; i < to; i++) {
            gate.load(gateUp, 2 * i * f, f);
            up.load(gateUp, (2 * i + 1) * f, f);
            gate.swiGlu(up);
            gate.store(out, i * f);
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
          Row gate = scratch.row(0, dOut);
          Row up = scratch.row(1, dOut);
          Row grad = scratch.row(2, dOut);
          for (long i = from; i < to; i++) {
            gate.load(gateUp, 2 * i * f, f);
            up.load(gateUp, (2 * i + 1) * f, f);
            grad.load(dOut, i * f, f);
            gate.swiGluGradient(up, grad);
            gate.store(dGateUp, 2 * i * f);
            up.store(dGateUp, (2 * i + 1) * f);
          }
        });
  }
}
