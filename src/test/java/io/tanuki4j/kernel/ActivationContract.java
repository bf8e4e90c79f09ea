package io.tanuki4j.kernel;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** SwiGLU against its formula, its backward against finite differences. */
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
