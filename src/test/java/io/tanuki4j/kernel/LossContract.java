package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Cross entropy and z-loss against their formulas, the gradient against finite differences. */
public abstract class LossContract extends KernelContract {
  private static final double Z_LOSS = 0.1;

  @Test
  void equal_logits_cost_the_logarithm_of_the_vocabulary() {
    Tensor logits = memory.filled(DType.F32, 3, 2, 5);
    Tensor targets = memory.of(DType.I32, new double[] {0, 4}, 2);
    Tensor mask = memory.filled(DType.F32, 1, 2);
    Tensor sums = memory.of(DType.F64, new double[] {10, 20}, 2);
    kernels().loss().crossEntropyForward(sums, logits, targets, mask, Z_LOSS);
    double logZ = 3 + Math.log(5);
    assertClose(sums, new double[] {10 + 2 * Math.log(5), 20 + 2 * Z_LOSS * logZ * logZ}, 1e-6);
  }

  @ParameterizedTest
  @MethodSource("types")
  void sums_and_gradients_match_the_formulas_at_odd_sizes(DType dtype) {
    for (int t : sizes()) {
      for (int v : sizes()) {
        check(dtype, t, v);
      }
    }
  }

  @Test
  void gradient_matches_finite_differences() {
    requireF64();
    Tensor logits = memory.random(DType.F64, 1, 3, 7);
    Tensor targets = targets(3, 7);
    Tensor mask = memory.of(DType.F32, new double[] {1, 0, 0.5}, 3);
    Tensor gradient = memory.copyOf(logits);
    Tensor scale = memory.filled(DType.F64, 0.25, 1);
    Tensor sums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
    kernels().loss().crossEntropyForwardBackward(sums, gradient, targets, mask, scale, Z_LOSS);
    assertGradient(
        gradient,
        logits,
        moved -> {
          Tensor movedSums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
          kernels().loss().crossEntropyForward(movedSums, moved, targets, mask, Z_LOSS);
          double[] values = memory.values(movedSums);
          return 0.25 * (values[LossKernels.CROSS_ENTROPY] + values[LossKernels.Z_LOSS]);
        });
  }

  @ParameterizedTest
  @MethodSource("types")
  void large_logits_do_not_overflow(DType dtype) {
    Tensor logits = memory.of(dtype, new double[] {1024, 0, -1024}, 1, 3);
    Tensor targets = memory.of(DType.I32, new double[] {1}, 1);
    Tensor mask = memory.filled(DType.F32, 1, 1);
    Tensor sums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
    Tensor scale = memory.filled(DType.F64, 1, 1);
    kernels().loss().crossEntropyForwardBackward(sums, logits, targets, mask, scale, 0);
    assertClose(sums, new double[] {1024, 0});
    assertClose(logits, new double[] {1, -1, 0});
  }

  @Test
  void a_masked_token_counts_nothing_even_if_it_is_not_a_number() {
    Tensor logits = memory.filled(DType.F32, Double.NaN, 1, 3);
    Tensor targets = memory.of(DType.I32, new double[] {1}, 1);
    Tensor mask = memory.filled(DType.F32, 0, 1);
    Tensor sums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
    Tensor scale = memory.filled(DType.F64, 1, 1);
    kernels().loss().crossEntropyForwardBackward(sums, logits, targets, mask, scale, Z_LOSS);
    assertThat(memory.values(sums)).containsExactly(0, 0);
    assertThat(memory.values(logits)).containsExactly(0, 0, 0);
  }

  private void check(DType dtype, int t, int v) {
    Tensor logits = memory.random(dtype, 1, t, v);
    Tensor targets = targets(t, v);
    Tensor mask = memory.random(DType.F32, 2, t);
    Tensor scale = memory.filled(DType.F64, 0.5, 1);
    double[] sums = {1, 2};
    double[] gradient = memory.values(logits);
    expected(sums, gradient, memory.values(targets), memory.values(mask));
    Tensor forwardOnly = memory.of(DType.F64, new double[] {1, 2}, LossKernels.NUM_SUMS);
    kernels().loss().crossEntropyForward(forwardOnly, logits, targets, mask, Z_LOSS);
    assertClose(forwardOnly, sums, t * tolerance(sumType(dtype)));
    Tensor both = memory.of(DType.F64, new double[] {1, 2}, LossKernels.NUM_SUMS);
    kernels().loss().crossEntropyForwardBackward(both, logits, targets, mask, scale, Z_LOSS);
    assertThat(memory.values(both)).isEqualTo(memory.values(forwardOnly));
    assertClose(logits, gradient);
  }

  private Tensor targets(int t, int v) {
    double[] targets = new double[t];
    for (int i = 0; i < t; i++) {
      targets[i] = i * 31 % v;
    }
    return memory.of(DType.I32, targets, t);
  }

  /** Replaces the logits by their gradient, with a scale of 0.5. */
  private static void expected(double[] sums, double[] logits, double[] targets, double[] mask) {
    int v = logits.length / targets.length;
    for (int i = 0; i < targets.length; i++) {
      double z = 0;
      for (int j = 0; j < v; j++) {
        z += Math.exp(logits[i * v + j]);
      }
      double logZ = Math.log(z);
      sums[LossKernels.CROSS_ENTROPY] += mask[i] * (logZ - logits[i * v + (int) targets[i]]);
      sums[LossKernels.Z_LOSS] += mask[i] * Z_LOSS * logZ * logZ;
      for (int j = 0; j < v; j++) {
        double p = Math.exp(logits[i * v + j]) / z * (1 + 2 * Z_LOSS * logZ);
        logits[i * v + j] = 0.5 * mask[i] * (p - (j == (int) targets[i] ? 1 : 0));
      }
    }
  }
}
