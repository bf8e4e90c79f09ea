package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.OptimizerKernels.AdamWStep;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Norm, clip factor and AdamW against their formulas. */
public abstract class OptimizerContract extends KernelContract {
  private static final AdamWStep STEP = new AdamWStep(0.01, 0.9, 0.95, 1e-8, 0.1, 3, 0);

  @ParameterizedTest
  @MethodSource("types")
  void adds_the_sum_of_squares(DType dtype) {
    for (int k : new int[] {1, 7, 33, 257, 10_001}) {
      Tensor x = memory.random(dtype, 1, k);
      Tensor out = memory.filled(DType.F64, 5, 1);
      double expected = 5 + dot(x, x);
      kernels().optimizer().sumOfSquares(out, x);
      assertClose(out, new double[] {expected}, tolerance(sumType(dtype)));
    }
  }

  @Test
  void sum_of_squares_of_many_equal_numbers_keeps_its_digits() {
    int count = 1 << 21;
    Tensor x = memory.filled(DType.F32, 0.1, count);
    Tensor out = memory.filled(DType.F64, 0, 1);
    kernels().optimizer().sumOfSquares(out, x);
    double square = (double) 0.1f * 0.1f;
    assertClose(out, new double[] {count * square}, 1e-6);
  }

  /** Replicas cut a gradient in ways that depend on the layout, and the clip factor must not. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void sum_of_squares_does_not_depend_on_the_cut(DType dtype) {
    Tensor x = memory.random(dtype, 1, 100_003);
    Tensor whole = memory.filled(DType.F64, 0, 1);
    Tensor parts = memory.filled(DType.F64, 0, 1);
    kernels().optimizer().sumOfSquares(whole, x);
    long[] cuts = {0, 64, 7_040, 7_104, 50_048, 100_003};
    for (int i = 1; i < cuts.length; i++) {
      kernels().optimizer().sumOfSquares(parts, x.rows(cuts[i - 1], cuts[i]));
    }
    double expected = memory.values(whole)[0];
    assertThat(memory.values(parts)[0]).isCloseTo(expected, Offset.offset(1e-12 * expected));
  }

  @Test
  void clips_to_the_largest_norm() {
    assertThat(clip(25, 1)).containsExactly(5, 1 / (5 + 1e-6));
    assertThat(clip(25, 10)).containsExactly(5, 1);
    assertThat(clip(Double.POSITIVE_INFINITY, 1)[1]).isNaN();
    assertThat(clip(Double.NaN, 1)[1]).isNaN();
  }

  @Test
  void takes_the_loss_scale_out() {
    assertThat(clip(25 * 0x1p64, 1, 0x1p32)).containsExactly(5, 1 / (5 + 1e-6) / 0x1p32);
    assertThat(clip(25 * 0x1p64, Double.POSITIVE_INFINITY, 0x1p32)).containsExactly(5, 0x1p-32);
    assertThat(clip(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, 0x1p32)[1]).isNaN();
  }

  @ParameterizedTest
  @MethodSource("types")
  void updates_as_the_formula_says(DType dtype) {
    for (int k : new int[] {1, 7, 33, 257, 5000}) {
      checkUpdate(dtype, k);
    }
  }

  @Test
  void the_weight_may_be_the_master() {
    Tensor master = memory.random(DType.F32, 1, 33);
    Tensor other = memory.copyOf(master);
    Tensor weight = memory.undefined(DType.F32, 33);
    update(master, master, memory.filled(DType.F64, 1, 1));
    update(weight, other, memory.filled(DType.F64, 1, 1));
    assertThat(memory.values(master)).isEqualTo(memory.values(other));
    assertThat(memory.values(weight)).isEqualTo(memory.values(other));
  }

  @Test
  void a_factor_that_is_not_a_number_changes_nothing() {
    Tensor master = memory.random(DType.F32, 1, 33);
    Tensor weight = memory.copyOf(master);
    double[] before = memory.values(master);
    update(weight, master, memory.filled(DType.F64, Double.NaN, 1));
    assertThat(memory.values(master)).isEqualTo(before);
    assertThat(memory.values(weight)).isEqualTo(before);
  }

  @Test
  void bf16_state_is_rounded_by_the_random_bits_of_its_place() {
    int k = 257;
    Tensor wideMaster = memory.random(DType.F32, 1, k);
    Tensor master = memory.of(DType.BF16, memory.values(wideMaster), k);
    kernels().elementwise().copy(wideMaster, master);
    Tensor v = memory.filled(DType.BF16, 0.25, k);
    Tensor wideV = memory.filled(DType.F32, 0.25, k);
    Tensor m = memory.filled(DType.BF16, 0.5, k);
    Tensor wideM = memory.filled(DType.F32, 0.5, k);
    Tensor grad = memory.random(DType.BF16, 2, k);
    Tensor wideGrad = memory.of(DType.F32, memory.values(grad), k);
    Tensor factor = memory.filled(DType.F64, 1, 1);
    kernels().optimizer().adamW(master, master, m, v, grad, factor, STEP);
    kernels().optimizer().adamW(wideMaster, wideMaster, wideM, wideV, wideGrad, factor, STEP);
    double[] expectedMaster = memory.values(wideMaster);
    double[] expectedV = memory.values(wideV);
    for (int i = 0; i < k; i++) {
      long[] counter = {i / 4, 0, 1, 0};
      long word = RandomContract.philox(counter, STEP.iteration(), 0)[i % 4];
      expectedMaster[i] = cut(expectedMaster[i], (int) (word & 0xFFFF));
      expectedV[i] = cut(expectedV[i], (int) (word >>> 16));
    }
    assertThat(memory.values(master)).isEqualTo(expectedMaster);
    assertThat(memory.values(v)).isEqualTo(expectedV);
    Tensor nearest = memory.undefined(DType.BF16, k);
    kernels().elementwise().copy(nearest, wideM);
    assertThat(memory.values(m)).isEqualTo(memory.values(nearest));
  }

  /** Also far behind the places that 32 bits can count. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1L << 36})
  void parts_of_a_buffer_are_updated_as_the_whole_is(long start) {
    int k = 257;
    Tensor whole = memory.random(DType.BF16, 1, k);
    Tensor parts = memory.copyOf(whole);
    Tensor wholeV = memory.filled(DType.BF16, 0.25, k);
    Tensor partsV = memory.copyOf(wholeV);
    Tensor grad = memory.random(DType.F32, 2, k);
    Tensor factor = memory.filled(DType.F64, 1, 1);
    kernels()
        .optimizer()
        .adamW(whole, whole, memory.filled(DType.F32, 0, k), wholeV, grad, factor, at(start));
    for (int[] part : new int[][] {{0, 64}, {64, 196}, {196, k}}) {
      Tensor m = memory.filled(DType.F32, 0, part[1] - part[0]);
      Tensor w = parts.rows(part[0], part[1]);
      Tensor v = partsV.rows(part[0], part[1]);
      Tensor g = grad.rows(part[0], part[1]);
      kernels().optimizer().adamW(w, w, m, v, g, factor, at(start + part[0]));
    }
    assertThat(memory.values(parts)).isEqualTo(memory.values(whole));
    assertThat(memory.values(partsV)).isEqualTo(memory.values(wholeV));
  }

  private static AdamWStep at(long firstElement) {
    return new AdamWStep(0.01, 0.9, 0.95, 1e-8, 0.1, 3, firstElement);
  }

  @Test
  void small_steps_move_bf16_masters_on_average() {
    int k = 4096;
    Tensor master = memory.filled(DType.BF16, 1, k);
    Tensor m = memory.filled(DType.F32, 0, k);
    Tensor v = memory.filled(DType.F32, 0, k);
    Tensor grad = memory.filled(DType.F32, 1, k);
    Tensor factor = memory.filled(DType.F64, 1, 1);
    for (int iteration = 1; iteration <= 10; iteration++) {
      AdamWStep step = new AdamWStep(1e-4, 0.9, 0.95, 1e-8, 0, iteration, 0);
      kernels().optimizer().adamW(master, master, m, v, grad, factor, step);
    }
    double mean = Arrays.stream(memory.values(master)).average().orElseThrow();
    // Ten steps of 1e-4; five standard errors of the rounding (units of 2^-8 below 1).
    assertThat(mean).isCloseTo(1 - 1e-3, Offset.offset(5 * 0.003 / Math.sqrt(k)));
  }

  private static double cut(double value, int randomBits) {
    int bits = Float.floatToRawIntBits((float) value) + randomBits;
    return Float.intBitsToFloat(bits & 0xFFFF0000);
  }

  private double[] clip(double sumOfSquares, double maxNorm) {
    return clip(sumOfSquares, maxNorm, 1);
  }

  private double[] clip(double sumOfSquares, double maxNorm, double lossScale) {
    Tensor norm = memory.filled(DType.F64, sumOfSquares, 1);
    Tensor factor = memory.undefined(DType.F64, 1);
    kernels().optimizer().clipFactor(norm, factor, norm, maxNorm, lossScale);
    return new double[] {memory.values(norm)[0], memory.values(factor)[0]};
  }

  private void update(Tensor weight, Tensor master, Tensor factor) {
    Tensor m = memory.filled(DType.F32, 0.5, 33);
    Tensor v = memory.filled(DType.F32, 0.25, 33);
    Tensor grad = memory.random(DType.F32, 2, 33);
    kernels().optimizer().adamW(weight, master, m, v, grad, factor, STEP);
  }

  private void checkUpdate(DType dtype, int k) {
    DType kept = sumType(dtype);
    Tensor master = memory.random(kept, 1, k);
    Tensor m = memory.random(kept, 2, k);
    Tensor v = memory.filled(kept, 0.25, k);
    Tensor grad = memory.random(kept, 3, k);
    Tensor weight = memory.undefined(dtype, k);
    double[] w = memory.values(master);
    double[] expectedM = memory.values(m);
    double[] expectedV = memory.values(v);
    double[] g = memory.values(grad);
    for (int i = 0; i < k; i++) {
      double clipped = 0.5 * g[i];
      expectedM[i] = 0.9 * expectedM[i] + 0.1 * clipped;
      expectedV[i] = 0.95 * expectedV[i] + 0.05 * clipped * clipped;
      double mHat = expectedM[i] / (1 - Math.pow(0.9, 3));
      double vHat = expectedV[i] / (1 - Math.pow(0.95, 3));
      w[i] -= 0.01 * (mHat / (Math.sqrt(vHat) + 1e-8) + 0.1 * w[i]);
    }
    kernels().optimizer().adamW(weight, master, m, v, grad, memory.filled(DType.F64, 0.5, 1), STEP);
    assertClose(master, w);
    assertClose(m, expectedM);
    assertClose(v, expectedV);
    double[] rounded = memory.values(master);
    for (int i = 0; i < k; i++) {
      rounded[i] = HostValues.round(rounded[i], dtype);
    }
    assertThat(memory.values(weight)).isEqualTo(rounded);
  }
}
