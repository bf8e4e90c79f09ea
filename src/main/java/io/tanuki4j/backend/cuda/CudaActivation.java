package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.tensor.Tensor;

/** SwiGLU; see activation.cu. */
final class CudaActivation implements ActivationKernels {
  private static final int THREADS = 256;

  private final CudaModules modules;

  CudaActivation(CudaModules modules) {
    this.modules = modules;
  }

  @Override
  public void swiGluForward(Tensor out, Tensor gateUp) {
    check(out, "out", gateUp);
    int vector = Vectors.width(out.dtype(), Expect.columns(out), out, gateUp);
    launch(function(out, vector, "swiglu_forward").arg(out).arg(gateUp), out, vector);
  }

  @Override
  public void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp) {
    check(dOut, "dOut", gateUp);
    check(dOut, "dOut", dGateUp);
    int vector = Vectors.width(dOut.dtype(), Expect.columns(dOut), dGateUp, dOut, gateUp);
    CudaFunction function = function(dOut, vector, "swiglu_backward");
    launch(function.arg(dGateUp).arg(dOut).arg(gateUp), dOut, vector);
  }

  private CudaFunction function(Tensor out, int vector, String name) {
    return modules.function(new RowVariant("activation", out.dtype(), vector), name);
  }

  private static void launch(CudaFunction function, Tensor out, int vector) {
    int columns = Expect.columns(out);
    long columnBlocks = Vectors.ceilDiv(columns, (long) THREADS * vector);
    function.arg(columns);
    function.launch(Expect.rows(out), Math.toIntExact(columnBlocks), 1, THREADS, 1);
  }

  private static void check(Tensor half, String name, Tensor gateUp) {
    Expect.computeType(name + " of swiGlu", half);
    Expect.matrix("gateUp of swiGlu", gateUp, Expect.rows(half), 2L * Expect.columns(half));
    Expect.sameType("gateUp of swiGlu", gateUp, half);
  }
}
