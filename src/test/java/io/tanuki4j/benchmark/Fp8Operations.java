package io.tanuki4j.benchmark;

import static io.tanuki4j.kernel.Fp8Kernels.INVERSE_SIZE;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Fp8Kernels.Operand;
import io.tanuki4j.kernel.Fp8Kernels.Sums;
import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Linear layers between numbers of eight bits, and what makes such numbers. BF16 alone. */
final class Fp8Operations {
  private static final double EPSILON = 1e-5;

  private final BenchmarkShape shape;
  private final List<Operation> operations = new ArrayList<>();

  Fp8Operations(BenchmarkShape shape) {
    this.shape = shape;
  }

  List<Operation> all() {
    int t = shape.tokens();
    int h = shape.hidden();
    int f = shape.ffn();
    int qkv = shape.attention().qkvSize();
    addCast("fp8 quantize, attention out", t, h);
    addCast("fp8 quantize, dQkv", t, qkv);
    addCast("fp8 quantize, gateUp weight", 2 * f, h);
    addNorms(t, h);
    addActivations(t, f);
    addLinear("fp8 qkv", t, h, qkv);
    addLinear("fp8 proj", t, h, h);
    addLinear("fp8 gateUp", t, h, 2 * f);
    addLinear("fp8 down", t, f, h);
    return operations;
  }

  private static Target target(BenchmarkTensors in, DType type, int rows, int columns) {
    return new Target(
        in.undefined(type, rows, columns),
        in.undefined(type, columns, rows),
        in.filled(DType.F32, 64, 1),
        in.filled(DType.F32, 0, 1));
  }

  /** Both orientations are a byte each. */
  private static double bytes(double read, double made) {
    return 2 * read + 2 * made;
  }

  private void addCast(String name, int rows, int columns) {
    double count = (double) rows * columns;
    operations.add(
        Operation.bytes(
            name,
            bytes(count, count),
            in -> {
              Tensor x = in.normal(DType.BF16, rows, columns);
              Target out = target(in, DType.F8_E5M2, rows, columns);
              return () -> in.kernels().fp8().quantize(out, x);
            }));
    operations.add(
        Operation.bytes(
            name + ", amax alone",
            2 * count,
            in -> {
              Tensor x = in.normal(DType.BF16, rows, columns);
              Tensor amax = in.filled(DType.F32, 0, 1);
              return () -> in.kernels().fp8().amax(amax, x);
            }));
  }

  /**
   * Copies as many bytes as the casts of hidden states read and write: what this size can reach.
   */
  private void addNorms(int t, int h) {
    double count = (double) t * h;
    operations.add(
        Operation.bytes(
            "fp8 copy of the bytes of a cast",
            bytes(count, count),
            in -> {
              Tensor from = in.normal(DType.BF16, t, h);
              Tensor to = in.normal(DType.BF16, t, h);
              return () -> in.kernels().elementwise().copy(to, from);
            }));
    operations.add(
        Operation.bytes(
            "fp8 quantizeRmsNorm",
            bytes(count, count),
            in -> {
              Tensor x = in.normal(DType.BF16, t, h);
              Tensor weight = in.normal(DType.BF16, h);
              Tensor rstd = in.filled(DType.F32, 1, t);
              Target out = target(in, DType.F8_E4M3, t, h);
              return () -> in.kernels().fp8().quantizeRmsNorm(out, rstd, x, weight, EPSILON);
            }));
    operations.add(
        Operation.bytes(
            "fp8 quantizeAddRmsNorm",
            bytes(3 * count, count),
            in -> {
              Tensor x = in.normal(DType.BF16, t, h);
              Tensor delta = in.normal(DType.BF16, t, h);
              Tensor sum = in.normal(DType.BF16, t, h);
              Tensor weight = in.normal(DType.BF16, h);
              Tensor rstd = in.filled(DType.F32, 1, t);
              Target out = target(in, DType.F8_E4M3, t, h);
              return () ->
                  in.kernels().fp8().quantizeAddRmsNorm(out, sum, rstd, x, delta, weight, EPSILON);
            }));
  }

  private void addActivations(int t, int f) {
    double count = (double) t * f;
    operations.add(
        Operation.bytes(
            "fp8 quantizeSwiGlu",
            bytes(2 * count, count),
            in -> {
              Tensor gateUp = in.normal(DType.BF16, t, 2L * f);
              Target out = target(in, DType.F8_E4M3, t, f);
              return () -> in.kernels().fp8().quantizeSwiGlu(out, gateUp);
            }));
    operations.add(
        Operation.bytes(
            "fp8 quantizeSwiGluBackward",
            bytes(3 * count, 2 * count),
            in -> {
              Tensor gateUp = in.normal(DType.BF16, t, 2L * f);
              Tensor dOut = in.normal(DType.BF16, t, f);
              Target out = target(in, DType.F8_E5M2, t, 2 * f);
              return () -> in.kernels().fp8().quantizeSwiGluBackward(out, dOut, gateUp);
            }));
  }

  private void addLinear(String name, int t, int inSize, int outSize) {
    for (Sums sums : Sums.values()) {
      addProduct(name, sums, new int[] {t, outSize, inSize}, DType.F8_E4M3, DType.BF16);
      addProduct(name + " dX", sums, new int[] {t, inSize, outSize}, DType.F8_E5M2, DType.BF16);
      addProduct(name + " dW", sums, new int[] {outSize, inSize, t}, DType.F8_E5M2, DType.F32);
    }
  }

  /**
   * @param mnk rows and columns of the product, and what is summed over
   * @param a the type of the first operand
   * @param out BF16 is overwritten, F32 added to
   */
  private void addProduct(String name, Sums sums, int[] mnk, DType a, DType out) {
    Accumulate accumulate = out == DType.F32 ? Accumulate.ADD : Accumulate.OVERWRITE;
    operations.add(
        Operation.flops(
            "%s %s %d x %d x %d".formatted(name, sums, mnk[0], mnk[1], mnk[2]),
            2.0 * mnk[0] * mnk[1] * mnk[2],
            in -> {
              Tensor product = in.normal(out, mnk[0], mnk[1]);
              Operand first = operand(in, a, mnk[0], mnk[2]);
              Operand second = operand(in, DType.F8_E4M3, mnk[1], mnk[2]);
              return () -> in.kernels().fp8().multiply(product, first, second, sums, accumulate);
            }));
  }

  /** Normal numbers, scaled so that four deviations reach the largest of E4M3. */
  private static Operand operand(BenchmarkTensors in, DType type, int rows, int columns) {
    Tensor values = in.undefined(type, rows, columns);
    Target out = new Target(values, null, in.filled(DType.F32, 112, 1), in.filled(DType.F32, 0, 1));
    in.kernels().fp8().quantize(out, in.normal(DType.BF16, rows, columns));
    return new Operand(values, in.filled(DType.F32, 1.0 / 112, 1, INVERSE_SIZE));
  }
}
