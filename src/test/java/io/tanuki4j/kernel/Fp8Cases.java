package io.tanuki4j.kernel;

import static io.tanuki4j.kernel.Fp8Kernels.INVERSE_SIZE;
import static java.util.Objects.requireNonNull;

import io.tanuki4j.kernel.Fp8Kernels.Operand;
import io.tanuki4j.kernel.Fp8Kernels.Sums;
import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Fp8Kernels.Window;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** The operations in eight bits, for {@link KernelParity}. */
final class Fp8Cases {
  private static final double SCALE = 96.5;

  private Fp8Cases() {}

  /** Casts in both orientations, what they are counted as, and their transposes. */
  static List<Tensor> casts(TwoDevices.Side side, DType type, int rows, int columns) {
    Fp8Kernels fp8 = side.kernels().fp8();
    Tensor x = side.random(DType.BF16, 1, rows, columns);
    Target cast = target(side, type, rows, columns);
    Tensor amax = side.of(DType.F32, 0);
    Tensor transposed = side.undefined(type, columns, rows);
    Tensor tally = side.of(DType.F64, new double[Fp8Kernels.TALLY_SIZE]);
    fp8.quantize(cast, x);
    fp8.amax(amax, x);
    Tensor codes = requireNonNull(cast.rows());
    fp8.transpose(transposed, codes);
    fp8.tally(tally, codes, cast.scale());
    List<Tensor> outputs = outputs(cast);
    outputs.addAll(List.of(amax, transposed, tally));
    return outputs;
  }

  /** Norms and activations whose outputs are cast. */
  static List<Tensor> fused(TwoDevices.Side side, DType type, int rows, int columns) {
    Fp8Kernels fp8 = side.kernels().fp8();
    Tensor x = side.random(DType.BF16, 1, rows, columns);
    Tensor delta = side.random(DType.BF16, 2, rows, columns);
    Tensor weight = side.random(DType.BF16, 3, columns);
    Tensor gateUp = side.random(DType.BF16, 4, rows, 2L * columns);
    Target norm = target(side, type, rows, columns);
    Target normOfSum = target(side, type, rows, columns);
    Target activation = target(side, type, rows, columns);
    Target gradient = target(side, type, rows, 2 * columns);
    Tensor rstd = side.undefined(DType.F32, rows);
    Tensor sum = side.undefined(DType.BF16, rows, columns);
    Tensor rstdOfSum = side.undefined(DType.F32, rows);
    fp8.quantizeRmsNorm(norm, rstd, x, weight, 1e-5);
    fp8.quantizeAddRmsNorm(normOfSum, sum, rstdOfSum, x, delta, weight, 1e-5);
    fp8.quantizeSwiGlu(activation, gateUp);
    fp8.quantizeSwiGluBackward(gradient, delta, gateUp);
    List<Tensor> outputs = outputs(norm);
    outputs.addAll(outputs(normOfSum));
    outputs.addAll(outputs(activation));
    outputs.addAll(outputs(gradient));
    outputs.addAll(List.of(rstd, sum, rstdOfSum));
    return outputs;
  }

  /** Scales of this iteration, and of the iterations before. */
  static List<Tensor> scales(TwoDevices.Side side, Window window) {
    Fp8Kernels fp8 = side.kernels().fp8();
    Tensor amax = side.of(DType.F32, 3.5, 1000, 0, 0.3);
    Tensor limit = side.of(DType.F32, 448, 448, 448, 57344);
    Tensor scale = side.undefined(DType.F32, 4);
    Tensor inverse = side.random(DType.F32, 1, 4, INVERSE_SIZE);
    Tensor delayed = side.of(DType.F32, 1, 2, 3, 4);
    Tensor delayedInverse = side.random(DType.F32, 1, 4, INVERSE_SIZE);
    Tensor history = side.random(DType.F32, 2, 4, 300);
    fp8.scales(scale, inverse, amax, limit);
    fp8.delayedScales(delayed, delayedInverse, history, amax, limit, window);
    return List.of(scale, inverse, delayed, delayedInverse, history, amax);
  }

  /** A product, and one that is added. */
  static List<Tensor> products(TwoDevices.Side side, DType out, Sums sums, int m, int n, int k) {
    Fp8Kernels fp8 = side.kernels().fp8();
    Operand a = operand(side, side.random(DType.F8_E5M2, 1, m, k), 0.5);
    Operand b = operand(side, side.random(DType.F8_E4M3, 2, n, k), 0.3);
    Tensor product = side.undefined(out, m, n);
    Tensor sum = side.random(out, 3, m, n);
    fp8.multiply(product, a, b, sums, Accumulate.OVERWRITE);
    fp8.multiply(sum, a, b, sums, Accumulate.ADD);
    return List.of(product, sum);
  }

  private static Operand operand(TwoDevices.Side side, Tensor values, double inverse) {
    return new Operand(values, side.of(DType.F32, TwoDevices.repeated(inverse, INVERSE_SIZE)));
  }

  private static Target target(TwoDevices.Side side, DType type, int rows, int columns) {
    return new Target(
        side.undefined(type, rows, columns),
        side.undefined(type, columns, rows),
        side.of(DType.F32, SCALE),
        side.of(DType.F32, 0));
  }

  private static List<Tensor> outputs(Target target) {
    return new ArrayList<>(
        List.of(requireNonNull(target.rows()), requireNonNull(target.columns()), target.amax()));
  }
}
