package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** RMSNorm against its formula, its backward against finite differences. */
public abstract class NormContract extends KernelContract {
  private static final double EPSILON = 1e-5;

  @Test
  void normalizes_known_values() {
    DType dtype = widest();
    Tensor x = memory.of(dtype, new double[] {3, 4}, 1, 2);
    Tensor weight = memory.of(dtype, new double[] {1, 2}, 2);
    Tensor out = memory.undefined(dtype, 1, 2);
    Tensor rstd = memory.undefined(dtype, 1);
    kernels().norm().rmsNormForward(out, rstd, x, weight, 0);
    double r = 1 / Math.sqrt(12.5);
    assertClose(rstd, new double[] {r});
    assertClose(out, new double[] {3 * r, 8 * r});
  }

  @ParameterizedTest
  @MethodSource("types")
  void normalizes_odd_sizes(DType dtype) {
    for (int t : sizes()) {
      for (int h : sizes()) {
        Tensor x = memory.random(dtype, 1, t, h);
        Tensor weight = memory.random(dtype, 2, h);
        Tensor out = memory.undefined(dtype, t, h);
        Tensor rstd = memory.undefined(sumType(dtype), t);
        kernels().norm().rmsNormForward(out, rstd, x, weight, EPSILON);
        double[] expectedRstd = rstd(memory.values(x), t, h);
        assertClose(rstd, expectedRstd);
        assertClose(out, normalized(memory.values(x), memory.values(weight), expectedRstd));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void adds_and_normalizes_the_rounded_sum(DType dtype) {
    Tensor x = memory.random(dtype, 1, 7, 33);
    Tensor delta = memory.random(dtype, 2, 7, 33);
    Tensor weight = memory.random(dtype, 3, 33);
    Tensor sum = memory.undefined(dtype, 7, 33);
    kernels().elementwise().add(sum, x, delta);
    Tensor out = memory.undefined(dtype, 7, 33);
    Tensor rstd = memory.undefined(sumType(dtype), 7);
    kernels().norm().addRmsNormForward(x, out, rstd, x, delta, weight, EPSILON);
    assertClose(x, memory.values(sum), 0);
    double[] expectedRstd = rstd(memory.values(sum), 7, 33);
    assertClose(out, normalized(memory.values(sum), memory.values(weight), expectedRstd));
  }

  @Test
  void backward_matches_finite_differences() {
    requireF64();
    for (int h : new int[] {1, 7, 33}) {
      Tensor x = memory.random(DType.F64, 1, 3, h);
      Tensor weight = memory.random(DType.F64, 2, h);
      Tensor dOut = memory.random(DType.F64, 3, 3, h);
      Tensor out = memory.undefined(DType.F64, 3, h);
      Tensor rstd = memory.undefined(DType.F64, 3);
      Tensor dx = memory.undefined(DType.F64, 3, h);
      Tensor dWeight = memory.filled(DType.F64, 0, h);
      kernels().norm().rmsNormForward(out, rstd, x, weight, EPSILON);
      kernels().norm().rmsNormBackward(dx, dWeight, dOut, x, rstd, weight, /* residual= */ null);
      assertGradient(dx, x, moved -> loss(moved, weight, dOut));
      assertGradient(dWeight, weight, moved -> loss(x, moved, dOut));
    }
  }

  @Test
  void backward_adds_into_a_weight_gradient_of_the_type_of_x() {
    Tensor x = memory.random(DType.BF16, 1, 257, 33);
    Tensor weight = memory.random(DType.BF16, 2, 33);
    Tensor dOut = memory.random(DType.BF16, 3, 257, 33);
    Tensor dx = memory.undefined(DType.BF16, 257, 33);
    Tensor rstd = memory.of(DType.F32, rstd(memory.values(x), 257, 33), 257);
    Tensor narrow = memory.random(DType.BF16, 4, 33);
    Tensor wide = memory.of(DType.F32, memory.values(narrow), 33);
    kernels().norm().rmsNormBackward(dx, narrow, dOut, x, rstd, weight, /* residual= */ null);
    kernels().norm().rmsNormBackward(dx, wide, dOut, x, rstd, weight, /* residual= */ null);
    assertClose(narrow, memory.values(wide));
  }

  @ParameterizedTest
  @MethodSource("types")
  void backward_matches_fp64_at_odd_sizes(DType dtype) {
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
    double[] rstd = rstd(memory.values(x), t, h);
    double[] expectedDx = memory.values(dx);
    double[] expectedDWeight = memory.values(dWeight);
    backward(expectedDx, expectedDWeight, rstd, x, weight, dOut);
    Tensor rstdTensor = memory.of(sumType(dtype), rstd, t);
    Tensor residual = memory.of(dtype, memory.values(dx), t, h);
    kernels().norm().rmsNormBackward(dx, dWeight, dOut, x, rstdTensor, weight, dx);
    assertClose(dx, expectedDx, 4 * tolerance(dtype));
    assertClose(dWeight, expectedDWeight, tolerance(sumType(dtype)) * Math.sqrt(t));
    double[] inPlace = memory.values(dx);
    double[] dWeightOnce = memory.values(dWeight);
    Tensor again = memory.random(sumType(dtype), 5, h);
    kernels().norm().rmsNormBackward(x, again, dOut, x, rstdTensor, weight, residual);
    assertThat(memory.values(x)).as("in the place of x").isEqualTo(inPlace);
    assertThat(memory.values(again)).isEqualTo(dWeightOnce);
  }

  private double loss(Tensor x, Tensor weight, Tensor dOut) {
    Tensor out = memory.undefined(DType.F64, x.shape().toArray());
    Tensor rstd = memory.undefined(DType.F64, x.dim(0));
    kernels().norm().rmsNormForward(out, rstd, x, weight, EPSILON);
    return dot(out, dOut);
  }

  private static double[] rstd(double[] x, int t, int h) {
    double[] rstd = new double[t];
    for (int i = 0; i < t; i++) {
      double sum = 0;
      for (int j = 0; j < h; j++) {
        sum += x[i * h + j] * x[i * h + j];
      }
      rstd[i] = 1 / Math.sqrt(sum / h + EPSILON);
    }
    return rstd;
  }

  private static double[] normalized(double[] x, double[] weight, double[] rstd) {
    int h = weight.length;
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      out[i] = x[i] * rstd[i / h] * weight[i % h];
    }
    return out;
  }

  private void backward(
      double[] dx, double[] dWeight, double[] rstd, Tensor xs, Tensor weights, Tensor dOuts) {
    double[] x = memory.values(xs);
    double[] weight = memory.values(weights);
    double[] dOut = memory.values(dOuts);
    int h = weight.length;
    for (int i = 0; i < rstd.length; i++) {
      double mean = 0;
      for (int j = 0; j < h; j++) {
        int at = i * h + j;
        mean += dOut[at] * weight[j] * x[at] / h;
        dWeight[j] += dOut[at] * x[at] * rstd[i];
      }
      for (int j = 0; j < h; j++) {
        int at = i * h + j;
        dx[at] += rstd[i] * (dOut[at] * weight[j] - x[at] * rstd[i] * rstd[i] * mean);
      }
    }
  }
}
