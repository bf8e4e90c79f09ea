package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.tensor.Tensor;
import java.util.Objects;

/** Times each call of another {@link Fp8Kernels}, and states its least cost. */
record ProfiledFp8(Fp8Kernels kernels, CallRecorder recorder) implements Fp8Kernels {
  @Override
  public void quantize(Target out, Tensor x) {
    time("quantize", out, () -> kernels.quantize(out, x), x);
  }

  @Override
  public void quantizeRmsNorm(Target out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    time(
        "quantizeRmsNorm",
        out,
        () -> kernels.quantizeRmsNorm(out, rstd, x, weight, epsilon),
        x,
        rstd,
        weight);
  }

  @Override
  public void quantizeAddRmsNorm(
      Target out, Tensor sum, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon) {
    time(
        "quantizeAddRmsNorm",
        out,
        () -> kernels.quantizeAddRmsNorm(out, sum, rstd, x, delta, weight, epsilon),
        x,
        sum,
        rstd,
        delta,
        weight);
  }

  @Override
  public void quantizeSwiGlu(Target out, Tensor gateUp) {
    time("quantizeSwiGlu", out, () -> kernels.quantizeSwiGlu(out, gateUp), gateUp);
  }

  @Override
  public void quantizeSwiGluBackward(Target dGateUp, Tensor dOut, Tensor gateUp) {
    time(
        "quantizeSwiGluBackward",
        dGateUp,
        () -> kernels.quantizeSwiGluBackward(dGateUp, dOut, gateUp),
        gateUp,
        dOut);
  }

  @Override
  public void transpose(Tensor out, Tensor in) {
    recorder.time(
        () -> moved("transpose", in.toString(), in.numBytes() + out.numBytes()),
        () -> kernels.transpose(out, in));
  }

  @Override
  public void amax(Tensor amax, Tensor x) {
    recorder.time(() -> moved("amax", x.toString(), x.numBytes()), () -> kernels.amax(amax, x));
  }

  @Override
  public void scales(Tensor scale, Tensor inverse, Tensor amax, Tensor limit) {
    recorder.time(
        () -> moved("scales", scale.toString(), 4.0 * scale.numBytes()),
        () -> kernels.scales(scale, inverse, amax, limit));
  }

  @Override
  public void delayedScales(
      Tensor scale, Tensor inverse, Tensor history, Tensor amax, Tensor limit, Window window) {
    recorder.time(
        () -> moved("delayedScales", history.toString(), 2.0 * history.numBytes()),
        () -> kernels.delayedScales(scale, inverse, history, amax, limit, window));
  }

  @Override
  public void tally(Tensor tally, Tensor x, Tensor scale) {
    recorder.time(
        () -> moved("tally", x.toString(), x.numBytes()), () -> kernels.tally(tally, x, scale));
  }

  @Override
  public void multiply(Tensor out, Operand a, Operand b, Sums sums, Accumulate accumulate) {
    recorder.time(
        () -> costOfMultiply(out, a.values(), b.values(), accumulate),
        () -> kernels.multiply(out, a, b, sums, accumulate));
  }

  private static KernelCall costOfMultiply(Tensor out, Tensor a, Tensor b, Accumulate accumulate) {
    long n = out.dim(-1);
    long m = out.numElements() / n;
    long k = a.dim(-1);
    String sum = accumulate == Accumulate.ADD ? " +=" : "";
    String shape =
        "NT %d×%d×%d %s·%s→%s%s".formatted(m, n, k, a.dtype(), b.dtype(), out.dtype(), sum);
    double moved = Cost.bytes(out, a, b) + Cost.added(out, accumulate);
    return new KernelCall(KernelFamily.MATMUL, "fp8", shape, 2.0 * m * n * k, moved);
  }

  /**
   * @param first gives the call its shape; all operands are read or written once
   */
  private void time(String operation, Target out, Runnable work, Tensor first, Tensor... others) {
    recorder.time(
        () -> {
          double bytes = first.numBytes();
          for (Tensor other : others) {
            bytes += other.numBytes();
          }
          return moved(operation, shape(first, out), bytes + written(out));
        },
        work);
  }

  private static String shape(Tensor first, Target out) {
    Tensor made = Objects.requireNonNull(out.rows() == null ? out.columns() : out.rows());
    boolean both = out.rows() != null && out.columns() != null;
    return "%s→%s%s".formatted(first, made.dtype(), both ? " twice" : "");
  }

  private static double written(Target out) {
    double rows = out.rows() == null ? 0 : out.rows().numBytes();
    return rows + (out.columns() == null ? 0 : out.columns().numBytes());
  }

  private static KernelCall moved(String operation, String shape, double bytes) {
    return new KernelCall(KernelFamily.QUANTIZE, operation, shape, 0, bytes);
  }
}
