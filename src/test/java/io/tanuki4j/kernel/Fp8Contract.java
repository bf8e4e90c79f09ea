package io.tanuki4j.kernel;

import static io.tanuki4j.kernel.Fp8Kernels.INVERSE_SIZE;
import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.Fp8Kernels.Operand;
import io.tanuki4j.kernel.Fp8Kernels.Sums;
import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Fp8Kernels.Window;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Numbers of eight bits: casts and scales to the bit, fused operations as the plain ones, products
 * against fp64.
 */
public abstract class Fp8Contract extends KernelContract {
  /** Less than a tile, a tile, and more than one. */
  private static final int[][] SIZES = {{16, 16}, {32, 144}, {128, 128}, {272, 160}};

  /** Rows that one, some and many accesses of a thread read; and many rows. */
  private static final int[][] NORM_SIZES = {
    {16, 16}, {32, 144}, {272, 160}, {32, 4096}, {16, 4112}, {16, 8208}, {16, 20480}, {4208, 144}
  };

  /**
   * Products are exact in fp32; sums are kept in 14 bits at least, relative to terms of about 1.
   */
  private static final double TOLERANCE_SUMS = 0x1p-9;

  private static final float SCALE = 96.5f;

  /** A target of both orientations, or of one. */
  private Target target(DType type, int rows, int columns, boolean asIs, boolean transposed) {
    return new Target(
        asIs ? memory.undefined(type, rows, columns) : null,
        transposed ? memory.undefined(type, columns, rows) : null,
        memory.filled(DType.F32, SCALE, 1),
        memory.filled(DType.F32, 0, 1));
  }

  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2"})
  void casts_to_the_bit_in_both_orientations(DType type) {
    for (int[] size : SIZES) {
      Tensor x = memory.random(DType.BF16, 1, size[0], size[1]);
      double[] values = memory.values(x);
      byte[] expected = encoded(values, type);
      Target both = target(type, size[0], size[1], true, true);
      kernels().fp8().quantize(both, x);
      assertThat(memory.bytes(written(both.rows()))).isEqualTo(expected);
      assertThat(memory.bytes(written(both.columns())))
          .isEqualTo(transposed(expected, size[0], size[1]));
      assertThat(memory.values(both.amax())[0]).isEqualTo(largest(values));
    }
  }

  @Test
  void casts_to_one_orientation_alone() {
    Tensor x = memory.random(DType.BF16, 1, 32, 48);
    byte[] expected = encoded(memory.values(x), DType.F8_E4M3);
    Target rows = target(DType.F8_E4M3, 32, 48, true, false);
    Target columns = target(DType.F8_E4M3, 32, 48, false, true);
    kernels().fp8().quantize(rows, x);
    kernels().fp8().quantize(columns, x);
    assertThat(memory.bytes(written(rows.rows()))).isEqualTo(expected);
    assertThat(memory.bytes(written(columns.columns()))).isEqualTo(transposed(expected, 32, 48));
  }

  /** Every number that BF16 has. */
  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2"})
  void casts_every_bf16_number_as_the_codec_does(DType type) {
    double[] all = new double[1 << 16];
    Arrays.setAll(all, i -> Float.intBitsToFloat(i << 16));
    Tensor x = memory.of(DType.BF16, all, 256, 256);
    Target rows = target(type, 256, 256, true, false);
    kernels().fp8().quantize(rows, x);
    assertThat(memory.bytes(written(rows.rows()))).isEqualTo(encoded(memory.values(x), type));
  }

  @Test
  void the_amax_leaves_out_what_is_not_finite_and_never_falls() {
    double[] values = new double[16 * 16];
    values[7] = Double.POSITIVE_INFINITY;
    values[8] = Double.NaN;
    values[9] = -3.5;
    Tensor x = memory.of(DType.BF16, values, 16, 16);
    Target out = target(DType.F8_E4M3, 16, 16, true, true);
    Tensor amax = memory.filled(DType.F32, 0, 1);
    kernels().fp8().quantize(out, x);
    kernels().fp8().amax(amax, x);
    assertThat(memory.values(out.amax())).containsExactly(3.5);
    assertThat(memory.values(amax)).containsExactly(3.5);
    Tensor higher = memory.filled(DType.F32, 4, 1);
    kernels().fp8().amax(higher, x);
    assertThat(memory.values(higher)).containsExactly(4);
  }

  @Test
  void the_amax_of_a_large_tensor_is_that_of_all_its_blocks() {
    Tensor x = memory.random(DType.BF16, 3, 512, 1040);
    Tensor amax = memory.filled(DType.F32, 0, 1);
    kernels().fp8().amax(amax, x);
    assertThat(memory.values(amax)[0]).isEqualTo(largest(memory.values(x)));
  }

  @Test
  void quantized_norm_has_the_bits_of_the_norm() {
    for (int[] size : NORM_SIZES) {
      Tensor x = memory.random(DType.BF16, 1, size[0], size[1]);
      Tensor weight = memory.random(DType.BF16, 2, size[1]);
      Tensor rstd = memory.undefined(DType.F32, size[0]);
      Tensor fusedRstd = memory.undefined(DType.F32, size[0]);
      Tensor plain = memory.undefined(DType.BF16, size[0], size[1]);
      kernels().norm().rmsNormForward(plain, rstd, x, weight, 1e-5);
      assertFused(plain, out -> kernels().fp8().quantizeRmsNorm(out, fusedRstd, x, weight, 1e-5));
      assertThat(memory.bytes(fusedRstd)).isEqualTo(memory.bytes(rstd));
    }
  }

  @Test
  void quantized_norm_of_a_sum_has_the_bits_of_the_norm() {
    for (int[] size : NORM_SIZES) {
      Tensor x = memory.random(DType.BF16, 1, size[0], size[1]);
      Tensor delta = memory.random(DType.BF16, 2, size[0], size[1]);
      Tensor weight = memory.random(DType.BF16, 3, size[1]);
      Tensor rstd = memory.undefined(DType.F32, size[0]);
      Tensor sum = memory.undefined(DType.BF16, size[0], size[1]);
      Tensor plain = memory.undefined(DType.BF16, size[0], size[1]);
      kernels().norm().addRmsNormForward(sum, plain, rstd, x, delta, weight, 1e-5);
      assertFused(
          plain,
          out -> {
            Tensor again = memory.copyOf(delta);
            kernels().fp8().quantizeAddRmsNorm(out, again, rstd, x, again, weight, 1e-5);
            assertThat(memory.bytes(again)).isEqualTo(memory.bytes(sum));
          });
    }
  }

  @Test
  void quantized_activation_has_the_bits_of_the_activation() {
    for (int[] size : SIZES) {
      Tensor gateUp = memory.random(DType.BF16, 1, size[0], 2L * size[1]);
      Tensor plain = memory.undefined(DType.BF16, size[0], size[1]);
      kernels().activation().swiGluForward(plain, gateUp);
      assertFused(plain, out -> kernels().fp8().quantizeSwiGlu(out, gateUp));
    }
  }

  @Test
  void quantized_gradient_of_the_activation_has_the_bits_of_the_gradient() {
    for (int[] size : SIZES) {
      Tensor gateUp = memory.random(DType.BF16, 1, size[0], 2L * size[1]);
      Tensor dOut = memory.random(DType.BF16, 2, size[0], size[1]);
      Tensor plain = memory.undefined(DType.BF16, size[0], 2L * size[1]);
      kernels().activation().swiGluBackward(plain, dOut, gateUp);
      assertFused(plain, out -> kernels().fp8().quantizeSwiGluBackward(out, dOut, gateUp));
    }
  }

  private static Tensor written(@Nullable Tensor orientation) {
    return Objects.requireNonNull(orientation, "an orientation that was asked for");
  }

  private void assertFused(Tensor plain, Consumer<Target> fused) {
    int rows = (int) plain.dim(0);
    int columns = (int) plain.dim(1);
    for (DType type : new DType[] {DType.F8_E4M3, DType.F8_E5M2}) {
      Target expected = target(type, rows, columns, true, true);
      Target actual = target(type, rows, columns, true, true);
      kernels().fp8().quantize(expected, plain);
      fused.accept(actual);
      assertThat(memory.bytes(written(actual.rows())))
          .isEqualTo(memory.bytes(written(expected.rows())));
      assertThat(memory.bytes(written(actual.columns())))
          .isEqualTo(memory.bytes(written(expected.columns())));
      assertThat(memory.bytes(actual.amax())).isEqualTo(memory.bytes(expected.amax()));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2"})
  void tallies_what_is_clipped_and_what_is_zero(DType type) {
    double limit = Float8.max(type);
    double[] values = new double[48 * 272];
    Arrays.fill(values, 1);
    values[0] = 2 * limit;
    values[17] = -limit;
    values[5000] = Double.NEGATIVE_INFINITY;
    values[5001] = Double.NaN;
    values[9] = 0;
    values[10] = 1e-20;
    values[13_000] = -1e-20;
    Tensor x = memory.of(DType.BF16, values, 48, 272);
    Tensor scale = memory.filled(DType.F32, 1, 1);
    Tensor rows = memory.undefined(type, 48, 272);
    kernels().fp8().quantize(new Target(rows, null, scale, memory.filled(DType.F32, 0, 1)), x);
    Tensor tally = memory.filled(DType.F64, 5, Fp8Kernels.TALLY_SIZE);
    kernels().fp8().tally(tally, rows, scale);
    assertThat(memory.values(tally)).containsExactly(5 + 48 * 272, 5 + 3, 5 + 3, 1);
  }

  @Test
  void transposes_bytes() {
    for (int[] size : SIZES) {
      Tensor in = memory.random(DType.F8_E5M2, 1, size[0], size[1]);
      Tensor out = memory.undefined(DType.F8_E5M2, size[1], size[0]);
      kernels().fp8().transpose(out, in);
      assertThat(memory.bytes(out)).isEqualTo(transposed(memory.bytes(in), size[0], size[1]));
    }
  }

  @Test
  void scales_follow_from_amaxes() {
    double[] amaxes = {3.5, 1000, 0, 1e-40, 3.5};
    double[] limits = {448, 448, 448, 448, 57344};
    Tensor scale = memory.undefined(DType.F32, 5);
    Tensor inverse = memory.filled(DType.F32, 0, 5, INVERSE_SIZE);
    Tensor amax = memory.of(DType.F32, amaxes, 5);
    kernels().fp8().scales(scale, inverse, amax, memory.of(DType.F32, limits, 5));
    assertThat(memory.values(scale)).containsExactly(128, 448f / 1000, 1, Float.MAX_VALUE, 16384);
    assertThat(inverses(inverse))
        .containsExactly(1 / 128f, 1 / (448f / 1000), 1, 1 / Float.MAX_VALUE, 1 / 16384f);
  }

  @ParameterizedTest
  @EnumSource(Window.class)
  void delayed_scales_follow_from_their_windows(Window window) {
    double[] history = {0, 0, 7, 9, 8, 2, 1, 2, 3};
    double[] amaxes = {3.5, 4, 0};
    double[] scales = {1, 5, 6};
    Tensor scale = memory.of(DType.F32, scales, 3);
    Tensor inverse = memory.filled(DType.F32, 6, 3, INVERSE_SIZE);
    Tensor entries = memory.of(DType.F32, history, 3, 3);
    Tensor amax = memory.of(DType.F32, amaxes, 3);
    Tensor limit = memory.filled(DType.F32, 448, 3);
    kernels().fp8().delayedScales(scale, inverse, entries, amax, limit, window);
    boolean max = window == Window.MAX;
    assertThat(memory.values(entries)).containsExactly(0, 7, 3.5, 8, 2, 4, 1, 2, 3);
    assertThat(memory.values(amax)).containsOnly(0);
    assertThat(memory.values(scale)).containsExactly(max ? 64 : 128, max ? 56 : 112, 6);
    assertThat(inverses(inverse))
        .containsExactly(1 / (max ? 64f : 128f), 1 / (max ? 56f : 112f), 6);
  }

  @Test
  void histories_of_any_length_move_on() {
    for (int length : new int[] {1, 2, 256, 257, 258, 1024}) {
      double[] entries = new double[length];
      Arrays.setAll(entries, i -> i + 1);
      Tensor history = memory.of(DType.F32, entries, 1, length);
      Tensor scale = memory.filled(DType.F32, 1, 1);
      Tensor inverse = memory.filled(DType.F32, 1, 1, INVERSE_SIZE);
      Tensor amax = memory.filled(DType.F32, 0.5, 1);
      Tensor limit = memory.filled(DType.F32, 448, 1);
      kernels().fp8().delayedScales(scale, inverse, history, amax, limit, Window.MAX);
      double[] moved = new double[length];
      Arrays.setAll(moved, i -> i == length - 1 ? 0.5 : i + 2);
      assertThat(memory.values(history)).containsExactly(moved);
    }
  }

  @Test
  void products_multiply_by_both_inverses() {
    for (DType out : new DType[] {DType.BF16, DType.F32}) {
      for (Sums sums : Sums.values()) {
        for (Accumulate accumulate : Accumulate.values()) {
          product(out, sums, accumulate, new int[] {32, 48, 64});
          product(out, sums, accumulate, new int[] {144, 16, 272});
        }
      }
    }
  }

  private void product(DType type, Sums sums, Accumulate accumulate, int[] mnk) {
    Tensor a = memory.random(DType.F8_E5M2, 1, mnk[0], mnk[2]);
    Tensor b = memory.random(DType.F8_E4M3, 2, mnk[1], mnk[2]);
    Tensor out = memory.random(type, 3, mnk[0], mnk[1]);
    Operand left = new Operand(a, memory.filled(DType.F32, 0.5, 1, INVERSE_SIZE));
    Operand right = new Operand(b, memory.filled(DType.F32, 0.25, 1, INVERSE_SIZE));
    double[] expected = memory.values(out);
    double[] x = memory.values(a);
    double[] y = memory.values(b);
    for (int i = 0; i < expected.length; i++) {
      double sum = accumulate == Accumulate.ADD ? expected[i] : 0;
      for (int k = 0; k < mnk[2]; k++) {
        sum += x[i / mnk[1] * mnk[2] + k] * y[i % mnk[1] * mnk[2] + k] / 8;
      }
      expected[i] = sum;
    }
    kernels().fp8().multiply(out, left, right, sums, accumulate);
    double rounding = type == DType.BF16 ? tolerance(type) : 0;
    assertClose(out, expected, TOLERANCE_SUMS + 2 * rounding);
  }

  /** The first of each row. */
  private double[] inverses(Tensor tensor) {
    double[] all = memory.values(tensor);
    double[] first = new double[all.length / INVERSE_SIZE];
    Arrays.setAll(first, i -> all[i * INVERSE_SIZE]);
    return first;
  }

  private static byte[] encoded(double[] values, DType type) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = Float8.fromFloat((float) values[i] * SCALE, type);
    }
    return bytes;
  }

  private static byte[] transposed(byte[] bytes, int rows, int columns) {
    byte[] result = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      result[i % columns * rows + i / columns] = bytes[i];
    }
    return result;
  }

  private static double largest(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElseThrow();
  }
}
