package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Rotations against their formula; the backward against the inverse rotation. */
public abstract class RopeContract extends KernelContract {
  @Test
  void rotates_by_a_right_angle() {
    AttentionShape shape = new AttentionShape(1, 1, 1, 1, 4);
    Tensor qkv = memory.of(DType.F32, new double[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 1, 12);
    Tensor cos = memory.of(DType.F32, new double[] {0, 1}, 1, 2);
    Tensor sin = memory.of(DType.F32, new double[] {1, 0}, 1, 2);
    kernels().rope().ropeForward(qkv, cos, sin, shape);
    assertClose(qkv, new double[] {-3, 2, 1, 4, -7, 6, 5, 8, 9, 10, 11, 12});
  }

  @ParameterizedTest
  @MethodSource("types")
  void rotates_odd_sizes_and_partial_heads(DType dtype) {
    check(dtype, new AttentionShape(7, 2, 4, 2, 8), 4);
    check(dtype, new AttentionShape(1, 1, 1, 1, 2), 1);
    check(dtype, new AttentionShape(33, 3, 3, 1, 10), 3);
    check(dtype, new AttentionShape(257, 1, 2, 2, 66), 33);
  }

  @ParameterizedTest
  @MethodSource("types")
  void a_token_can_have_any_row_of_the_tables(DType dtype) {
    AttentionShape shape = new AttentionShape(5, 2, 4, 2, 8);
    Tensor cos = memory.random(sumType(dtype), 2, 9, 4);
    Tensor sin = memory.random(sumType(dtype), 3, 9, 4);
    double[] rows = {0, 8, 1, 0, 2, 1, 0, 7, 1, 8};
    Tensor qkv = memory.random(dtype, 1, 5, 2, shape.qkvSize());
    Tensor back = memory.copyOf(qkv);
    double[] before = memory.values(qkv);
    Tensor ofTokens = memory.of(DType.I32, rows, 5, 2);
    kernels().rope().ropeForward(qkv, cos, sin, ofTokens, shape);
    assertClose(qkv, rotated(before, gathered(cos, rows), gathered(sin, rows), shape, 4, 1));
    kernels().rope().ropeBackward(back, cos, sin, ofTokens, shape);
    assertClose(back, rotated(before, gathered(cos, rows), gathered(sin, rows), shape, 4, -1));
  }

  private double[] gathered(Tensor table, double[] rows) {
    double[] numbers = memory.values(table);
    double[] gathered = new double[rows.length * 4];
    Arrays.setAll(gathered, i -> numbers[(int) rows[i / 4] * 4 + i % 4]);
    return gathered;
  }

  @Test
  void rejects_a_rotary_dim_beyond_the_head() {
    AttentionShape shape = new AttentionShape(1, 1, 1, 1, 4);
    Tensor qkv = memory.filled(DType.F32, 0, 1, 12);
    Tensor cos = memory.filled(DType.F32, 0, 1, 3);
    Tensor sin = memory.filled(DType.F32, 0, 1, 3);
    assertThatThrownBy(() -> kernels().rope().ropeForward(qkv, cos, sin, shape))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rotary dim 6 (expected: at most the head dim 4)");
  }

  private void check(DType dtype, AttentionShape shape, int half) {
    Tensor qkv = memory.random(dtype, 1, shape.seqLength(), shape.batchSize(), shape.qkvSize());
    Tensor back = memory.copyOf(qkv);
    Tensor cos = memory.random(sumType(dtype), 2, shape.seqLength(), half);
    Tensor sin = memory.random(sumType(dtype), 3, shape.seqLength(), half);
    double[] before = memory.values(qkv);
    kernels().rope().ropeForward(qkv, cos, sin, shape);
    double[] c = ofTokens(memory.values(cos), shape, half);
    double[] s = ofTokens(memory.values(sin), shape, half);
    assertClose(qkv, rotated(before, c, s, shape, half, 1));
    kernels().rope().ropeBackward(back, cos, sin, shape);
    assertClose(back, rotated(before, c, s, shape, half, -1));
  }

  /** The rows of a table by position, for each token. */
  private static double[] ofTokens(double[] table, AttentionShape shape, int half) {
    double[] rows = new double[table.length * shape.batchSize()];
    Arrays.setAll(rows, i -> table[i / half / shape.batchSize() * half + i % half]);
    return rows;
  }

  /**
   * @param cos of each token, {@code [s, b, half]}
   * @param sin likewise
   */
  private static double[] rotated(
      double[] qkv, double[] cos, double[] sin, AttentionShape shape, int half, int sign) {
    double[] out = qkv.clone();
    int d = shape.headDim();
    int heads = shape.numHeads() + 2 * shape.numQueryGroups();
    for (int i = 0; i < qkv.length; i++) {
      int j = i % d;
      int head = i / d % heads;
      int token = i / shape.qkvSize();
      boolean value = head >= shape.numHeads() + shape.numQueryGroups();
      if (!value && j < half) {
        double c = cos[token * half + j];
        double s = sign * sin[token * half + j];
        out[i] = qkv[i] * c - qkv[i + half] * s;
        out[i + half] = qkv[i + half] * c + qkv[i] * s;
      }
    }
    return out;
  }
}
