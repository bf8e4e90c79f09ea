package io.tanuki4j.kernel;

import static io.tanuki4j.kernel.VocabParallelLossKernels.NUM_STATISTICS;
import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Loss and gradient by parts of the vocabulary against the formulas over all of it. */
public abstract class VocabParallelLossContract extends KernelContract {
  private static final double Z_LOSS = 0.1;
  private static final double SCALE = 0.5;

  /** Megatron's worked example: logits 1, 2, 3, 0.5, target 2, coefficient 1e-4. */
  @Test
  void two_parts_have_the_published_loss_and_gradient() {
    Tensor left = memory.of(widest(), new double[] {1}, 1, 1);
    Tensor right = memory.of(widest(), new double[] {2, 3, 0.5}, 1, 3);
    Tensor targets = memory.of(DType.I32, new double[] {2}, 1);
    Tensor mask = memory.filled(DType.F32, 1, 1);
    Tensor scale = memory.filled(DType.F64, 1, 1);
    Tensor sums = memory.of(DType.F64, new double[] {10, 20}, LossKernels.NUM_SUMS);
    Tensor all = statistics(List.of(left, right), targets);
    kernels().vocabParallelLoss().vocabParallelLoss(sums, all, mask, 1e-4);
    kernels()
        .vocabParallelLoss()
        .vocabParallelLossBackward(left, all, targets, mask, scale, 0, 1e-4);
    kernels()
        .vocabParallelLoss()
        .vocabParallelLossBackward(right, all, targets, mask, scale, 1, 1e-4);
    double tolerance = Math.max(tolerance(widest()), 1e-10);
    assertClose(sums, new double[] {10.4607734891568512, 20.0011976953143250884}, tolerance);
    assertClose(left, new double[] {0.08542798199}, tolerance);
    double[] others = {0.23221733109, -0.36876784865, 0.05181469027};
    assertClose(right, others, tolerance);
  }

  @ParameterizedTest
  @MethodSource("types")
  void a_part_knows_its_log_sum_exp_and_the_logits_of_its_targets(DType dtype) {
    Tensor logits = memory.filled(dtype, 3, 2, 5);
    Tensor targets = memory.of(DType.I32, new double[] {4, 6}, 2);
    Tensor statistics = memory.undefined(sumType(dtype), NUM_STATISTICS, 2);
    kernels().vocabParallelLoss().vocabParallelStatistics(statistics, logits, targets, 5);
    double logSumExp = 3 + Math.log(5);
    assertClose(statistics, new double[] {logSumExp, logSumExp, 0, 3});
  }

  @ParameterizedTest
  @MethodSource("types")
  void sums_and_gradients_match_the_formulas_at_odd_sizes(DType dtype) {
    for (int t : sizes()) {
      for (int v : sizes()) {
        check(dtype, t, List.of(v));
        check(dtype, t, List.of(v, 3, v));
      }
    }
  }

  @Test
  void gradient_matches_finite_differences() {
    requireF64();
    Tensor left = memory.random(DType.F64, 1, 3, 4);
    Tensor right = memory.random(DType.F64, 2, 3, 5);
    Tensor targets = memory.of(DType.I32, new double[] {2, 4, 8}, 3);
    Tensor mask = memory.of(DType.F32, new double[] {1, 0.5, 1}, 3);
    Tensor scale = memory.filled(DType.F64, SCALE, 1);
    Tensor all = statistics(List.of(left, right), targets);
    Tensor dRight = memory.copyOf(right);
    kernels()
        .vocabParallelLoss()
        .vocabParallelLossBackward(dRight, all, targets, mask, scale, 4, Z_LOSS);
    assertGradient(
        dRight,
        right,
        moved -> {
          Tensor sums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
          Tensor movedStatistics = statistics(List.of(left, moved), targets);
          kernels().vocabParallelLoss().vocabParallelLoss(sums, movedStatistics, mask, Z_LOSS);
          double[] values = memory.values(sums);
          return SCALE * (values[LossKernels.CROSS_ENTROPY] + values[LossKernels.Z_LOSS]);
        });
  }

  @ParameterizedTest
  @MethodSource("types")
  void large_logits_do_not_overflow(DType dtype) {
    Tensor left = memory.of(dtype, new double[] {1024}, 1, 1);
    Tensor right = memory.of(dtype, new double[] {0, -1024}, 1, 2);
    Tensor targets = memory.of(DType.I32, new double[] {1}, 1);
    Tensor mask = memory.filled(DType.F32, 1, 1);
    Tensor sums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
    Tensor scale = memory.filled(DType.F64, 1, 1);
    Tensor all = statistics(List.of(left, right), targets);
    kernels().vocabParallelLoss().vocabParallelLoss(sums, all, mask, 0);
    kernels().vocabParallelLoss().vocabParallelLossBackward(left, all, targets, mask, scale, 0, 0);
    kernels().vocabParallelLoss().vocabParallelLossBackward(right, all, targets, mask, scale, 1, 0);
    assertClose(sums, new double[] {1024, 0});
    assertClose(left, new double[] {1});
    assertClose(right, new double[] {-1, 0});
  }

  @Test
  void a_masked_token_counts_nothing_even_if_it_is_not_a_number() {
    Tensor logits = memory.filled(DType.F32, Double.NaN, 1, 3);
    Tensor targets = memory.of(DType.I32, new double[] {1}, 1);
    Tensor mask = memory.filled(DType.F32, 0, 1);
    Tensor sums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
    Tensor scale = memory.filled(DType.F64, 1, 1);
    Tensor all = statistics(List.of(logits), targets);
    kernels().vocabParallelLoss().vocabParallelLoss(sums, all, mask, Z_LOSS);
    kernels()
        .vocabParallelLoss()
        .vocabParallelLossBackward(logits, all, targets, mask, scale, 0, Z_LOSS);
    assertThat(memory.values(sums)).containsExactly(0, 0);
    assertThat(memory.values(logits)).containsExactly(0, 0, 0);
  }

  @Test
  void what_is_not_a_number_in_one_part_spoils_the_token_in_all() {
    Tensor left = memory.filled(DType.F32, 1, 2, 3);
    Tensor right = memory.of(DType.F32, new double[] {0, 0, Double.NaN, 0}, 2, 2);
    Tensor targets = memory.of(DType.I32, new double[] {1, 1}, 2);
    Tensor mask = memory.filled(DType.F32, 1, 2);
    Tensor scale = memory.filled(DType.F64, 1, 1);
    Tensor sums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
    Tensor all = statistics(List.of(left, right), targets);
    kernels().vocabParallelLoss().vocabParallelLoss(sums, all, mask, 0);
    kernels().vocabParallelLoss().vocabParallelLossBackward(left, all, targets, mask, scale, 0, 0);
    assertThat(memory.values(sums)[LossKernels.CROSS_ENTROPY]).isNaN();
    double[] gradient = memory.values(left);
    assertThat(gradient[0]).isNotNaN();
    assertThat(gradient[3]).isNaN();
  }

  /** [parts, NUM_STATISTICS, t] of these parts, one after another. */
  private Tensor statistics(List<Tensor> parts, Tensor targets) {
    DType dtype = sumType(parts.get(0).dtype());
    Tensor all = memory.undefined(dtype, parts.size(), NUM_STATISTICS, parts.get(0).dim(0));
    long firstId = 0;
    for (int i = 0; i < parts.size(); i++) {
      kernels()
          .vocabParallelLoss()
          .vocabParallelStatistics(all.rows(i, i + 1), parts.get(i), targets, firstId);
      firstId += parts.get(i).dim(1);
    }
    return all;
  }

  private void check(DType dtype, int t, List<Integer> widths) {
    List<Tensor> parts = new ArrayList<>();
    for (int width : widths) {
      parts.add(memory.random(dtype, parts.size(), t, width));
    }
    int v = widths.stream().mapToInt(width -> width).sum();
    double[] ids = IntStream.range(0, t).mapToDouble(i -> i * 31 % v).toArray();
    Tensor targets = memory.of(DType.I32, ids, t);
    Tensor mask = memory.random(DType.F32, 9, t);
    Tensor scale = memory.filled(DType.F64, SCALE, 1);
    double[] expected = {1, 2};
    double[][] gradients = logits(parts, t, v);
    replaceByGradients(expected, gradients, ids, memory.values(mask));
    Tensor sums = memory.of(DType.F64, new double[] {1, 2}, LossKernels.NUM_SUMS);
    Tensor all = statistics(parts, targets);
    kernels().vocabParallelLoss().vocabParallelLoss(sums, all, mask, Z_LOSS);
    assertClose(sums, expected, t * tolerance(sumType(dtype)));
    int firstId = 0;
    for (Tensor part : parts) {
      int from = firstId;
      int to = from + Math.toIntExact(part.dim(1));
      kernels()
          .vocabParallelLoss()
          .vocabParallelLossBackward(part, all, targets, mask, scale, from, Z_LOSS);
      double[] gradient =
          Arrays.stream(gradients).flatMapToDouble(row -> Arrays.stream(row, from, to)).toArray();
      assertClose(part, gradient);
      firstId = to;
    }
  }

  /** {@code [t][v]}: the parts side by side. */
  private double[][] logits(List<Tensor> parts, int t, int v) {
    double[][] rows = new double[t][v];
    int firstId = 0;
    for (Tensor part : parts) {
      int width = Math.toIntExact(part.dim(1));
      double[] values = memory.values(part);
      for (int i = 0; i < t; i++) {
        System.arraycopy(values, i * width, rows[i], firstId, width);
      }
      firstId += width;
    }
    return rows;
  }

  private static void replaceByGradients(
      double[] sums, double[][] logits, double[] targets, double[] mask) {
    for (int i = 0; i < logits.length; i++) {
      double[] row = logits[i];
      int target = (int) targets[i];
      double logZ = Math.log(Arrays.stream(row).map(Math::exp).sum());
      sums[LossKernels.CROSS_ENTROPY] += mask[i] * (logZ - row[target]);
      sums[LossKernels.Z_LOSS] += mask[i] * Z_LOSS * logZ * logZ;
      double factor = SCALE * mask[i];
      Arrays.setAll(row, j -> factor * Math.exp(row[j] - logZ) * (1 + 2 * Z_LOSS * logZ));
      row[target] -= factor;
    }
  }
}
