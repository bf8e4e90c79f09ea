package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Fill, copy, add and scale, exact to the last bit. */
public abstract class ElementwiseContract extends KernelContract {
  private static final int[] SIZES = {0, 1, 7, 33, 257, 10_001};

  @ParameterizedTest
  @EnumSource(DType.class)
  void fills_every_type(DType dtype) {
    for (int size : SIZES) {
      Tensor out = memory.undefined(dtype, size);
      kernels().elementwise().fill(out, 3);
      assertThat(memory.values(out)).hasSize(size).containsOnly(repeated(3, size));
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void copies_between_floating_types(DType from) {
    types().forEach(to -> Arrays.stream(SIZES).forEach(size -> checkCopy(from, to, size)));
  }

  @Test
  void rounds_to_bf16_to_nearest_with_ties_to_even() {
    double ulp = 0x1p-7;
    double[] values = {
      1 + ulp / 2, 1 + 1.5 * ulp, 1 + 0.51 * ulp, -1 - ulp / 2, 3e38, 3.4e38, Double.NaN
    };
    Tensor in = memory.of(DType.F32, values, values.length);
    Tensor out = memory.undefined(DType.BF16, values.length);
    kernels().elementwise().copy(out, in);
    double third = HostValues.round(3e38, DType.BF16);
    assertThat(memory.values(out))
        .containsExactly(1, 1 + 2 * ulp, 1 + ulp, -1, third, Double.POSITIVE_INFINITY, Double.NaN);
  }

  /** Two to the last bit; of more, one backend adds in fp64. */
  @ParameterizedTest
  @MethodSource("types")
  void sums_parts(DType dtype) {
    for (int size : SIZES) {
      for (int numParts : new int[] {1, 2, 3}) {
        Tensor parts = memory.random(dtype, numParts, numParts, size);
        double[] values = memory.values(parts);
        double[] expected = new double[size];
        for (int i = 0; i < size; i++) {
          double sum = values[i];
          for (int part = 1; part < numParts; part++) {
            sum = HostValues.round(sum + values[part * size + i], dtype.statisticsType());
          }
          expected[i] = HostValues.round(sum, dtype);
        }
        Tensor out = memory.undefined(dtype, size);
        kernels().elementwise().sumParts(out, parts);
        double rounding = numParts < 3 || dtype == DType.F64 ? 0 : dtype == DType.F32 ? 1e-6 : 0.1;
        assertThat(memory.values(out)).containsExactly(expected, within(rounding));
      }
    }
  }

  @Test
  void rounds_to_fp16_to_nearest_with_ties_to_even() {
    double ulp = 0x1p-10;
    double[] values = {
      1 + ulp / 2,
      1 + 1.5 * ulp,
      1 + 0.51 * ulp,
      -1 - ulp / 2,
      65519,
      65520,
      -1e9,
      Double.NaN,
      0x1p-24,
      0x1.8p-24,
      0x1p-25,
      0x1.02p-25,
      -0x1.ffcp-15,
      0x1p-14
    };
    Tensor in = memory.of(DType.F32, values, values.length);
    Tensor out = memory.undefined(DType.F16, values.length);
    kernels().elementwise().copy(out, in);
    double infinity = Double.POSITIVE_INFINITY;
    assertThat(memory.values(out))
        .containsExactly(
            1,
            1 + 2 * ulp,
            1 + ulp,
            -1,
            65504,
            infinity,
            -infinity,
            Double.NaN,
            0x1p-24,
            0x1p-23,
            0,
            0x1p-24,
            -0x1p-14,
            0x1p-14);
  }

  @ParameterizedTest
  @MethodSource("types")
  void adds_in_place(DType dtype) {
    for (int size : SIZES) {
      Tensor a = memory.random(dtype, 1, size);
      Tensor b = memory.random(dtype, 2, size);
      double[] expected = memory.values(a);
      double[] right = memory.values(b);
      for (int i = 0; i < size; i++) {
        expected[i] = HostValues.round(expected[i] + right[i], dtype);
      }
      Tensor out = memory.undefined(dtype, size);
      kernels().elementwise().add(out, a, b);
      kernels().elementwise().add(b, a, b);
      assertThat(memory.values(out)).isEqualTo(expected);
      assertThat(memory.values(b)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void scales(DType dtype) {
    for (int size : SIZES) {
      for (double factor : new double[] {8, Math.sqrt(2560), 1e-3}) {
        Tensor x = memory.random(dtype, 1, size);
        DType computed = dtype.statisticsType();
        double[] expected = memory.values(x);
        for (int i = 0; i < size; i++) {
          double product = expected[i] * HostValues.round(factor, computed);
          expected[i] = HostValues.round(HostValues.round(product, computed), dtype);
        }
        kernels().elementwise().scale(x, factor);
        assertThat(memory.values(x)).isEqualTo(expected);
      }
    }
  }

  @Test
  void whole_numbers_are_not_scaled() {
    Tensor ids = memory.undefined(DType.I32, 4);
    assertThatThrownBy(() -> kernels().elementwise().scale(ids, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("x of scale");
  }

  @ParameterizedTest
  @MethodSource("types")
  void copies_and_adds_columns(DType from) {
    for (DType to : types().toArray(DType[]::new)) {
      if ((from == DType.F64) == (to == DType.F64)) {
        int[][] columns = {
          {1, 0, 1, 0, 1}, {33, 5, 17, 3, 9}, {48, 16, 32, 8, 24}, {7, 0, 7, 0, 7}
        };
        for (int[] sizes : columns) {
          checkColumns(from, to, sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]);
        }
      }
    }
  }

  private void checkColumns(
      DType from, DType to, int outWidth, int firstOut, int inWidth, int firstIn, int count) {
    Tensor in = memory.random(from, 1, 3, 13, inWidth);
    Tensor copied = memory.random(to, 2, 39, outWidth);
    Tensor added = memory.random(to, 2, 39, outWidth);
    double[] source = memory.values(in);
    double[] expectedCopy = memory.values(copied);
    double[] expectedSum = memory.values(added);
    for (int i = 0; i < 39 * count; i++) {
      int at = i / count * outWidth + firstOut + i % count;
      double value = source[i / count * inWidth + firstIn + i % count];
      expectedCopy[at] = HostValues.round(value, to);
      expectedSum[at] = HostValues.round(expectedSum[at] + value, to);
    }
    kernels().elementwise().copyColumns(copied, firstOut, in, firstIn, count, Accumulate.OVERWRITE);
    kernels().elementwise().copyColumns(added, firstOut, in, firstIn, count, Accumulate.ADD);
    assertThat(memory.values(copied)).isEqualTo(expectedCopy);
    assertThat(memory.values(added)).isEqualTo(expectedSum);
  }

  @Test
  void columns_that_a_tensor_does_not_have_are_refused() {
    Tensor in = memory.random(widest(), 1, 3, 5);
    Tensor out = memory.random(widest(), 1, 3, 4);
    Tensor fewer = memory.random(widest(), 1, 2, 5);
    assertThatThrownBy(() -> kernels().elementwise().copyColumns(out, 2, in, 0, 3, Accumulate.ADD))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("out of copyColumns")
        .hasMessageContaining("columns 2 to 5");
    assertThatThrownBy(
            () -> kernels().elementwise().copyColumns(out, 0, fewer, 0, 3, Accumulate.ADD))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2 rows");
  }

  @ParameterizedTest
  @MethodSource("types")
  void adds_a_row_to_each_row(DType dtype) {
    for (int t : sizes()) {
      for (int c : sizes()) {
        Tensor x = memory.random(dtype, 1, t, c);
        Tensor row = memory.random(dtype, 2, c);
        double[] expected = memory.values(x);
        double[] added = memory.values(row);
        for (int i = 0; i < expected.length; i++) {
          expected[i] = HostValues.round(expected[i] + added[i % c], dtype);
        }
        kernels().elementwise().addToRows(x, row);
        assertThat(memory.values(x)).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void adds_the_sum_of_all_rows(DType dtype) {
    for (int t : sizes()) {
      for (int c : sizes()) {
        Tensor x = memory.random(dtype, 1, t, c);
        Tensor sum = memory.random(sumType(dtype), 2, c);
        Tensor narrow = memory.of(dtype, memory.values(sum), c);
        double[] expected = memory.values(sum);
        double[] before = memory.values(narrow);
        double[] values = memory.values(x);
        for (int i = 0; i < values.length; i++) {
          expected[i % c] += values[i];
          before[i % c] += values[i];
        }
        kernels().elementwise().addSumOfRows(sum, x);
        kernels().elementwise().addSumOfRows(narrow, x);
        assertClose(sum, expected, tolerance(sumType(dtype)) * Math.sqrt(t));
        assertClose(narrow, before, tolerance(dtype) * Math.sqrt(t));
      }
    }
  }

  private void checkCopy(DType from, DType to, int size) {
    Tensor in = memory.random(from, 1, size);
    Tensor out = memory.undefined(to, size);
    kernels().elementwise().copy(out, in);
    double[] expected =
        Arrays.stream(memory.values(in)).map(x -> HostValues.round(x, to)).toArray();
    assertThat(memory.values(out)).isEqualTo(expected);
  }

  private static double[] repeated(double value, int times) {
    double[] values = new double[times];
    Arrays.fill(values, value);
    return values;
  }
}
