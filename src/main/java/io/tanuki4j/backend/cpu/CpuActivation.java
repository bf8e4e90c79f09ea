package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.tensor.Tensor;

/** SwiGLU, and functions of single numbers, row by row. */
final class CpuActivation implements ActivationKernels {
  private final Workers workers;

  CpuActivation(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void swiGluForward(Tensor out, Tensor gateUp) {
    int f = Rows.columns(out);
    long t = Rows.count(out);
    CallChecks.gateUp("gateUp of swiGlu", gateUp, out);
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
    CallChecks.gateUp("gateUp of swiGlu", gateUp, dOut);
    CallChecks.gateUp("dGateUp of swiGlu", dGateUp, dOut);
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

  @Override
  public void forward(Function function, Tensor out, Tensor x) {
    Expect.like("out of an activation", out, x);
    int f = Rows.columns(x);
    workers.runParts(
        Rows.count(x),
        Rows.perTask(f),
        (from, to, scratch) -> {
          Row row = scratch.row(0, x);
          for (long i = from; i < to; i++) {
            row.load(x, i * f, f);
            for (int j = 0; j < f; j++) {
              row.set(j, Curves.value(function, row.get(j)));
            }
            row.store(out, i * f);
          }
        });
  }

  @Override
  public void backward(Function function, Tensor dx, Tensor dOut, Tensor x) {
    Expect.like("dx of an activation", dx, x);
    Expect.like("dOut of an activation", dOut, x);
    int f = Rows.columns(x);
    workers.runParts(
        Rows.count(x),
        Rows.perTask(f),
        (from, to, scratch) -> {
          Row row = scratch.row(0, x);
          Row grad = scratch.row(1, x);
          for (long i = from; i < to; i++) {
            row.load(x, i * f, f);
            grad.load(dOut, i * f, f);
            for (int j = 0; j < f; j++) {
              grad.set(j, grad.get(j) * Curves.slope(function, row.get(j)));
            }
            grad.store(dx, i * f);
          }
        });
  }
}
