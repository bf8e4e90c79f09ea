package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Rows gathered, and their gradients added in the order of the tokens. */
public abstract class EmbeddingContract extends KernelContract {
  @ParameterizedTest
  @MethodSource("types")
  void gathers_rows(DType dtype) {
    for (int h : sizes()) {
      Tensor weight = memory.random(dtype, 1, 5, h);
      Tensor tokens = memory.of(DType.I32, new double[] {4, 0, 4, 3}, 4);
      Tensor out = memory.undefined(dtype, 4, h);
      kernels().embedding().embeddingForward(out, tokens, weight, 0);
      double[] table = memory.values(weight);
      double[] values = memory.values(out);
      int[] rows = {4, 0, 4, 3};
      for (int i = 0; i < rows.length; i++) {
        assertThat(Arrays.copyOfRange(values, i * h, (i + 1) * h))
            .isEqualTo(Arrays.copyOfRange(table, rows[i] * h, (rows[i] + 1) * h));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void adds_the_gradients_of_repeated_tokens(DType dtype) {
    Random random = new Random(1);
    for (int h : sizes()) {
      double[] ids = random.ints(257, 0, 3).asDoubleStream().toArray();
      Tensor tokens = memory.of(DType.I32, ids, 257);
      Tensor dOut = memory.random(dtype, 2, 257, h);
      Tensor dWeight = memory.random(sumType(dtype), 3, 4, h);
      double[] expected = memory.values(dWeight);
      double[] grads = memory.values(dOut);
      for (int i = 0; i < grads.length; i++) {
        expected[(int) ids[i / h] * h + i % h] += grads[i];
      }
      kernels().embedding().embeddingBackward(dWeight, dOut, tokens, 0);
      assertClose(dWeight, expected);
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void tokens_of_other_parts_of_the_table_are_zero_and_add_nothing(DType dtype) {
    for (int h : sizes()) {
      Tensor part = memory.random(dtype, 1, 2, h);
      Tensor tokens = memory.of(DType.I32, new double[] {4, 5, 6, 0, 7, 5}, 6);
      Tensor out = memory.undefined(dtype, 6, h);
      kernels().embedding().embeddingForward(out, tokens, part, 5);
      Tensor dOut = memory.random(dtype, 2, 6, h);
      Tensor dPart = memory.filled(sumType(dtype), 1, 2, h);
      kernels().embedding().embeddingBackward(dPart, dOut, tokens, 5);

      double[] rows = memory.values(part);
      double[] grads = memory.values(dOut);
      double[] expectedOut = new double[6 * h];
      double[] expectedGrad = new double[2 * h];
      for (int i = 0; i < h; i++) {
        expectedOut[h + i] = rows[i];
        expectedOut[2 * h + i] = rows[h + i];
        expectedOut[5 * h + i] = rows[i];
        expectedGrad[i] = 1 + grads[h + i] + grads[5 * h + i];
        expectedGrad[h + i] = 1 + grads[2 * h + i];
      }
      assertThat(memory.values(out)).isEqualTo(expectedOut);
      assertClose(dPart, expectedGrad);
    }
  }

  @Test
  void a_part_without_any_of_the_tokens_gives_zeros() {
    Tensor tokens = memory.of(DType.I32, new double[] {0, 1}, 2);
    Tensor part = memory.filled(DType.F32, Double.NaN, 3, 7);
    Tensor out = memory.undefined(DType.F32, 2, 7);
    kernels().embedding().embeddingForward(out, tokens, part, 2);
    assertThat(memory.values(out)).containsOnly(0);
    kernels().embedding().embeddingBackward(part, out, tokens, 2);
    assertThat(memory.values(part)).containsOnly(Double.NaN);
  }

  @Test
  void rounds_the_sum_of_a_repeated_token_once() {
    // In BF16 1 + 2^-9 is 1 again, however often it is added.
    int times = 256;
    Tensor tokens = memory.filled(DType.I32, 1, times);
    Tensor dOut = memory.filled(DType.BF16, 0x1p-9, times, 7);
    Tensor dWeight = memory.filled(DType.BF16, 1, 2, 7);
    kernels().embedding().embeddingBackward(dWeight, dOut, tokens, 0);
    double[] expected = {1, 1, 1, 1, 1, 1, 1, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5};
    assertThat(memory.values(dWeight)).isEqualTo(expected);
  }
}
