package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.tensor.Tensor;
import java.util.Locale;

/** SwiGLU, and functions of single numbers; see activation.cu. */
final class CudaActivation implements ActivationKernels {
  private static final int THREADS = 256;

  private final CudaModules modules;

  CudaActivation(CudaModules modules) {
    this.modules = modules;
  }

  @Override
  public void swiGluForward(Tensor out, Tensor gateUp) {
    check(out, "out", gateUp, 2);
    int vector = Vectors.width(out.dtype(), Expect.columns(out), out, gateUp);
    launch(function(out, vector, "swiglu_forward").arg(out).arg(gateUp), out, vector);
  }

  @Override
  public void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp) {
    check(dOut, "dOut", gateUp, 2);
    check(dOut, "dOut", dGateUp, 2);
    int vector = Vectors.width(dOut.dtype(), Expect.columns(dOut), dGateUp, dOut, gateUp);
    CudaFunction function = function(dOut, vector, "swiglu_backward");
    launch(function.arg(dGateUp).arg(dOut).arg(gateUp), dOut, vector);
  }

  @Override
  public void forward(Function function, Tensor out, Tensor x) {
    check(out, "out", x, 1);
    int vector = Vectors.width(x.dtype(), Expect.columns(x), out, x);
    launch(function(x, vector, name(function) + "_forward").arg(out).arg(x), x, vector);
  }

  @Override
  public void backward(Function function, Tensor dx, Tensor dOut, Tensor x) {
    check(dx, "dx", x, 1);
    check(dOut, "dOut", x, 1);
    int vector = Vectors.width(x.dtype(), Expect.columns(x), dx, dOut, x);
    CudaFunction backward = function(x, vector, name(function) + "_backward");
    launch(backward.arg(dx).arg(dOut).arg(x), x, vector);
  }

  private static String name(Function function) {
    return function.name().toLowerCase(Locale.ROOT);
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

  /** Checks that {@code in} has the rows of a tensor, each {@code times} as long. */
  private static void check(Tensor tensor, String name, Tensor in, int times) {
    Expect.computeType(name + " of an activation", tensor);
    long columns = (long) times * Expect.columns(tensor);
    Expect.matrix("input of an activation", in, Expect.rows(tensor), columns);
    Expect.sameType("input of an activation", in, tensor);
  }
}
