package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.tensor.Tensor;

/** Times each call of another {@link MatmulKernels}, and states its least cost. */
record ProfiledMatmul(MatmulKernels kernels, CallRecorder recorder) implements MatmulKernels {
  @Override
  public void matmul(Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate) {
    recorder.time(
        () -> costOfMatmul(out, a, opA, b, opB, accumulate),
        () -> kernels.matmul(out, a, opA, b, opB, accumulate));
  }

  static KernelCall costOfMatmul(
      Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate) {
    long n = out.dim(-1);
    long m = out.numElements() / n;
    long k = a.numElements() / m;
    String form = letter(opA) + letter(opB);
    String shape = "%s %d×%d×%d %s".formatted(form, m, n, k, types(out, a, accumulate));
    double moved = Cost.bytes(out, a, b) + Cost.added(out, accumulate);
    return new KernelCall(KernelFamily.MATMUL, "matmul", shape, 2.0 * m * n * k, moved);
  }

  private static String letter(Op op) {
    return op == Op.TRANSPOSE ? "T" : "N";
  }

  private static String types(Tensor out, Tensor a, Accumulate accumulate) {
    String types = out.dtype() == a.dtype() ? a.dtype().name() : a.dtype() + "→" + out.dtype();
    return accumulate == Accumulate.ADD ? types + " +=" : types;
  }
}
