package io.tanuki4j.kernel;

import io.tanuki4j.kernel.ActivationKernels.Function;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Activations against their formulas, their backward against finite differences. */
public abstract class ActivationContract extends KernelContract {
  @Test
  void large_gates_pass_or_block() {
    Tensor gateUp = memory.of(DType.F32, new double[] {200, -200, 0, 3, 3, 3}, 1, 6);
    Tensor out = memory.undefined(DType.F32, 1, 3);
    kernels().activation().swiGluForward(out, gateUp);
    assertClose(out, new double[] {600, 0, 0});
  }

  @ParameterizedTest
  @MethodSource("types")
  void matches_the_formula_at_odd_sizes(DType dtype) {
    for (int t : sizes()) {
      for (int f : sizes()) {
        Tensor gateUp = memory.random(dtype, 1, t, 2 * f);
        Tensor out = memory.undefined(dtype, t, f);
        kernels().activation().swiGluForward(out, gateUp);
        assertClose(out, forward(memory.values(gateUp), t, f));
      }
    }
  }

  @Test
  void backward_matches_finite_differences() {
    requireF64();
    Tensor gateUp = memory.random(DType.F64, 1, 3, 14);
    Tensor dOut = memory.random(DType.F64, 2, 3, 7);
    Tensor dGateUp = memory.undefined(DType.F64, 3, 14);
    kernels().activation().swiGluBackward(dGateUp, dOut, gateUp);
    assertGradient(
        dGateUp,
        gateUp,
        moved -> {
          Tensor out = memory.undefined(DType.F64, 3, 7);
          kernels().activation().swiGluForward(out, moved);
          return dot(out, dOut);
        });
  }

  @ParameterizedTest
  @MethodSource("types")
  void backward_in_place_matches_fp64_at_odd_sizes(DType dtype) {
    for (int t : sizes()) {
      for (int f : sizes()) {
        Tensor gateUp = memory.random(dtype, 1, t, 2 * f);
        Tensor dOut = memory.random(dtype, 2, t, f);
        double[] expected = backward(memory.values(gateUp), memory.values(dOut), t, f);
        kernels().activation().swiGluBackward(gateUp, dOut, gateUp);
        assertClose(gateUp, expected);
      }
    }
  }

  /** Values of torch.nn.functional.gelu, exact and approximate, and of relu(x)², in fp64. */
  @Test
  void functions_have_known_values() {
    double[] x = {-3, -0.5, 0, 0.5, 2};
    checkValues(
        Function.GELU,
        x,
        -0.00404969409489031,
        -0.15426876936299344,
        0,
        0.34573123063700656,
        1.9544997361036416);
    checkValues(
        Function.GELU_TANH,
        x,
        -0.0036373920817729943,
        -0.15428599017485606,
        0,
        0.34571400982514394,
        1.954597694087775);
    checkValues(Function.SQUARED_RELU, x, 0, 0, 0, 0.25, 4);
  }

  private void checkValues(Function function, double[] x, double... expected) {
    Tensor in = memory.of(widest(), x, 1, x.length);
    Tensor out = memory.undefined(widest(), 1, x.length);
    kernels().activation().forward(function, out, in);
    assertClose(out, expected);
  }

  @ParameterizedTest
  @EnumSource(Function.class)
  void gradients_of_functions_match_finite_differences(Function function) {
    requireF64();
    Tensor x = memory.random(DType.F64, 1, 3, 14);
    Tensor dOut = memory.random(DType.F64, 2, 3, 14);
    Tensor dx = memory.undefined(DType.F64, 3, 14);
    kernels().activation().backward(function, dx, dOut, x);
    assertGradient(
        dx,
        x,
        moved -> {
          Tensor out = memory.undefined(DType.F64, 3, 14);
          kernels().activation().forward(function, out, moved);
          return dot(out, dOut);
        });
  }

  @ParameterizedTest
  @MethodSource("types")
  void approximate_gelu_follows_its_formula_in_place_at_odd_sizes(DType dtype) {
    for (int t : sizes()) {
      for (int f : sizes()) {
        Tensor x = memory.random(dtype, 1, t, f);
        Tensor dOut = memory.random(dtype, 2, t, f);
        double[] values = memory.values(x);
        double[] gradients = memory.values(dOut);
        double[] expected = new double[values.length];
        double[] expectedGradient = new double[values.length];
        for (int i = 0; i < values.length; i++) {
          double u = Math.sqrt(2 / Math.PI) * (values[i] + 0.044715 * Math.pow(values[i], 3));
          double slope = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * values[i] * values[i]);
          double tanh = Math.tanh(u);
          expected[i] = values[i] * (1 + tanh) / 2;
          expectedGradient[i] =
              gradients[i] * (1 + tanh + values[i] * (1 - tanh * tanh) * slope) / 2;
        }
        Tensor out = memory.undefined(dtype, t, f);
        kernels().activation().forward(Function.GELU_TANH, out, x);
        kernels().activation().backward(Function.GELU_TANH, x, dOut, x);
        assertClose(out, expected);
        assertClose(x, expectedGradient);
      }
    }
  }

  private static double[] backward(double[] gateUp, double[] dOut, int t, int f) {
    double[] gradient = new double[gateUp.length];
    for (int i = 0; i < t * f; i++) {
      int gate = i / f * 2 * f + i % f;
      double sigmoid = 1 / (1 + Math.exp(-gateUp[gate]));
      double slope = sigmoid * (1 + gateUp[gate] * (1 - sigmoid));
      gradient[gate] = dOut[i] * gateUp[gate + f] * slope;
      gradient[gate + f] = dOut[i] * gateUp[gate] * sigmoid;
    }
    return gradient;
  }

  private static double[] forward(double[] gateUp, int t, int f) {
    double[] out = new double[t * f];
    for (int i = 0; i < out.length; i++) {
      int gate = i / f * 2 * f + i % f;
      out[i] = gateUp[gate] / (1 + Math.exp(-gateUp[gate])) * gateUp[gate + f];
    }
    return out;
  }
}
