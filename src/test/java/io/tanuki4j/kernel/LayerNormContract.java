package io.tanuki4j.kernel;

import static io.tanuki4j.kernel.LayerNormKernels.NUM_STATISTICS;
import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** LayerNorm against its formula, its backward against finite differences. */
public abstract class LayerNormContract extends KernelContract {
  private static final double EPSILON = 1e-5;

  @Test
  void centers_scales_and_shifts_known_values() {
    DType dtype = widest();
    Tensor x = memory.of(dtype, new double[] {1, 5}, 1, 2);
    Tensor out = memory.undefined(dtype, 1, 2);
    Tensor statistics = memory.undefined(dtype, 1, 2);
    Tensor weight = memory.of(dtype, new double[] {1, 10}, 2);
    Tensor bias = memory.of(dtype, new double[] {0.5, -3}, 2);
    kernels().layerNorm().layerNormForward(out, statistics, x, weight, bias, 0);
    assertClose(statistics, new double[] {3, 0.5});
    assertClose(out, new double[] {-0.5, 7});
  }

  @ParameterizedTest
  @MethodSource("types")
  void normalizes_odd_sizes(DType dtype) {
    for (int t : sizes()) {
      for (int h : sizes()) {
        Tensor x = memory.random(dtype, 1, t, h);
        Tensor weight = memory.random(dtype, 2, h);
        Tensor bias = memory.random(dtype, 3, h);
        Tensor out = memory.undefined(dtype, t, h);
        Tensor statistics = memory.undefined(sumType(dtype), t, NUM_STATISTICS);
        kernels().layerNorm().layerNormForward(out, statistics, x, weight, bias, EPSILON);
        double[] expected = statistics(memory.values(x), t, h);
        assertClose(out, normalized(x, weight, bias, expected), 4 * tolerance(dtype));
      }
    }
  }

  @Test
  void backward_matches_finite_differences() {
    requireF64();
    for (int h : new int[] {2, 7, 33}) {
      Tensor x = memory.random(DType.F64, 1, 3, h);
      Tensor weight = memory.random(DType.F64, 2, h);
      Tensor bias = memory.random(DType.F64, 3, h);
      Tensor dOut = memory.random(DType.F64, 4, 3, h);
      Tensor statistics = memory.of(DType.F64, statistics(memory.values(x), 3, h), 3, 2);
      Tensor dx = memory.undefined(DType.F64, 3, h);
      Tensor dWeight = memory.filled(DType.F64, 0, h);
      Tensor dBias = memory.filled(DType.F64, 0, h);
      kernels()
          .layerNorm()
          .layerNormBackward(dx, dWeight, dBias, dOut, x, statistics, weight, /* residual= */ null);
      assertGradient(dx, x, moved -> loss(moved, weight, bias, dOut));
      assertGradient(dWeight, weight, moved -> loss(x, moved, bias, dOut));
      assertGradient(dBias, bias, moved -> loss(x, weight, moved, dOut));
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void backward_adds_at_odd_sizes(DType dtype) {
    for (int t : sizes()) {
      for (int h : sizes()) {
        checkBackward(dtype, t, h);
      }
    }
  }

  private void checkBackward(DType dtype, int t, int h) {
    Tensor x = memory.random(dtype, 1, t, h);
    Tensor weight = memory.random(dtype, 2, h);
    Tensor dOut = memory.random(dtype, 3, t, h);
    Tensor dx = memory.random(dtype, 4, t, h);
    Tensor dWeight = memory.random(sumType(dtype), 5, h);
    Tensor dBias = memory.random(sumType(dtype), 6, h);
    double[] statistics = statistics(memory.values(x), t, h);
    Tensor kept = memory.of(sumType(dtype), statistics, t, NUM_STATISTICS);
    double[][] expected = {memory.values(dx), memory.values(dWeight), memory.values(dBias)};
    backward(expected, memory.values(kept), x, weight, dOut);
    Tensor residual = memory.of(dtype, memory.values(dx), t, h);
    LayerNormKernels layerNorm = kernels().layerNorm();
    layerNorm.layerNormBackward(dx, dWeight, dBias, dOut, x, kept, weight, dx);
    double tolerance = tolerance(sumType(dtype)) * Math.sqrt(t);
    // A row of one element has no variance: its rstd is 1 / sqrt(epsilon), and so is what rounds.
    assertClose(dx, expected[0], (h == 1 ? 1000 : 8) * tolerance(dtype));
    assertClose(dWeight, expected[1], (h == 1 ? 1000 : 8) * tolerance);
    assertClose(dBias, expected[2], tolerance);
    double[] inPlace = memory.values(dx);
    double[] dWeightOnce = memory.values(dWeight);
    Tensor again = memory.random(sumType(dtype), 5, h);
    layerNorm.layerNormBackward(x, again, dBias, dOut, x, kept, weight, residual);
    assertThat(memory.values(x)).as("in the place of x").isEqualTo(inPlace);
    assertThat(memory.values(again)).isEqualTo(dWeightOnce);
  }

  private double loss(Tensor x, Tensor weight, Tensor bias, Tensor dOut) {
    Tensor out = memory.undefined(DType.F64, x.shape().toArray());
    Tensor statistics = memory.undefined(DType.F64, x.dim(0), NUM_STATISTICS);
    kernels().layerNorm().layerNormForward(out, statistics, x, weight, bias, EPSILON);
    return dot(out, dOut);
  }

  private static double[] statistics(double[] x, int t, int h) {
    double[] statistics = new double[NUM_STATISTICS * t];
    for (int i = 0; i < t; i++) {
      double[] row = Arrays.copyOfRange(x, i * h, i * h + h);
      double mean = Arrays.stream(row).sum() / h;
      double variance = Arrays.stream(row).map(v -> (v - mean) * (v - mean)).sum() / h;
      statistics[2 * i] = mean;
      statistics[2 * i + 1] = 1 / Math.sqrt(variance + EPSILON);
    }
    return statistics;
  }

  private double[] normalized(Tensor xs, Tensor weights, Tensor biases, double[] statistics) {
    double[] x = memory.values(xs);
    double[] weight = memory.values(weights);
    double[] bias = memory.values(biases);
    int h = weight.length;
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double normed = (x[i] - statistics[i / h * 2]) * statistics[i / h * 2 + 1];
      out[i] = normed * weight[i % h] + bias[i % h];
    }
    return out;
  }

  /** Adds to dx, dWeight and dBias. */
  private void backward(
      double[][] gradients, double[] statistics, Tensor xs, Tensor weights, Tensor dOuts) {
    double[] x = memory.values(xs);
    double[] weight = memory.values(weights);
    double[] dOut = memory.values(dOuts);
    int h = weight.length;
    for (int i = 0; i < statistics.length / 2; i++) {
      double rstd = statistics[2 * i + 1];
      double[] normed = new double[h];
      double mean = 0;
      double along = 0;
      for (int j = 0; j < h; j++) {
        normed[j] = (x[i * h + j] - statistics[2 * i]) * rstd;
        double grad = dOut[i * h + j];
        mean += grad * weight[j] / h;
        along += grad * weight[j] * normed[j] / h;
        gradients[1][j] += grad * normed[j];
        gradients[2][j] += grad;
      }
      for (int j = 0; j < h; j++) {
        gradients[0][i * h + j] += rstd * (dOut[i * h + j] * weight[j] - mean - normed[j] * along);
      }
    }
  }
}
