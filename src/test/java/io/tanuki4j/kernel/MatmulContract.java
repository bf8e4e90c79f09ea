package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Products against a triple loop in fp64. */
public abstract class MatmulContract extends KernelContract {
  @Test
  void multiplies_known_matrices() {
    Tensor a = memory.of(DType.F32, new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
    Tensor b = memory.of(DType.F32, new double[] {1, 0, 2, 1, 0, 3}, 3, 2);
    Tensor out = memory.undefined(DType.F32, 2, 2);
    kernels().matmul().matmul(out, a, Op.NONE, b, Op.NONE, Accumulate.OVERWRITE);
    assertClose(out, new double[] {5, 11, 14, 23});
  }

  @ParameterizedTest
  @MethodSource("types")
  void multiplies_odd_sizes_with_every_transpose(DType dtype) {
    for (int m : sizes()) {
      for (int n : sizes()) {
        check(dtype, m, n, 33, Op.NONE, Op.NONE, Accumulate.OVERWRITE);
        check(dtype, m, n, 7, Op.NONE, Op.TRANSPOSE, Accumulate.ADD);
        check(dtype, m, n, 65, Op.TRANSPOSE, Op.NONE, Accumulate.ADD);
        check(dtype, m, n, 1, Op.TRANSPOSE, Op.TRANSPOSE, Accumulate.OVERWRITE);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void multiplies_matrices_of_many_tiles(DType dtype) {
    check(dtype, 1030, 67, 40, Op.NONE, Op.TRANSPOSE, Accumulate.OVERWRITE);
    check(dtype, 67, 1030, 40, Op.TRANSPOSE, Op.NONE, Accumulate.ADD);
  }

  @Test
  void adds_products_of_bf16_into_fp32() {
    Tensor a = memory.random(DType.BF16, 1, 33, 7);
    Tensor b = memory.random(DType.BF16, 2, 33, 9);
    Tensor out = memory.random(DType.F32, 3, 7, 9);
    double[] expected = product(a, Op.TRANSPOSE, b, Op.NONE, 7, 9, 33, memory.values(out));
    kernels().matmul().matmul(out, a, Op.TRANSPOSE, b, Op.NONE, Accumulate.ADD);
    assertClose(out, expected);
  }

  @Test
  void takes_tensors_of_more_dims_as_matrices() {
    Tensor a = memory.random(widest(), 1, 3, 2, 4);
    Tensor b = memory.random(widest(), 2, 5, 4);
    Tensor out = memory.undefined(widest(), 3, 2, 5);
    kernels().matmul().matmul(out, a, Op.NONE, b, Op.TRANSPOSE, Accumulate.OVERWRITE);
    assertClose(out, product(a, Op.NONE, b, Op.TRANSPOSE, 6, 5, 4, new double[30]));
  }

  @Test
  void rejects_sizes_that_do_not_fit() {
    Tensor a = memory.random(DType.F32, 1, 3, 4);
    Tensor b = memory.random(DType.F32, 2, 5, 2);
    Tensor out = memory.undefined(DType.F32, 3, 2);
    assertThatThrownBy(
            () -> kernels().matmul().matmul(out, a, Op.NONE, b, Op.NONE, Accumulate.OVERWRITE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("b of matmul: F32 [5, 2] (expected: 4 rows of 2)");
  }

  private void check(DType dtype, int m, int n, int k, Op opA, Op opB, Accumulate accumulate) {
    boolean plainA = opA == Op.NONE;
    boolean plainB = opB == Op.NONE;
    Tensor a = memory.random(dtype, 1, plainA ? m : k, plainA ? k : m);
    Tensor b = memory.random(dtype, 2, plainB ? k : n, plainB ? n : k);
    boolean add = accumulate == Accumulate.ADD;
    Tensor out = add ? memory.random(dtype, 3, m, n) : memory.undefined(dtype, m, n);
    double[] old = add ? memory.values(out) : new double[m * n];
    double[] expected = product(a, opA, b, opB, m, n, k, old);
    kernels().matmul().matmul(out, a, opA, b, opB, accumulate);
    assertClose(out, expected, tolerance(dtype) * Math.sqrt(k));
  }

  private double[] product(Tensor a, Op opA, Tensor b, Op opB, int m, int n, int k, double[] old) {
    double[] left = memory.values(a);
    double[] right = memory.values(b);
    double[] out = old.clone();
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        for (int l = 0; l < k; l++) {
          out[i * n + j] +=
              left[opA == Op.NONE ? i * k + l : l * m + i]
                  * right[opB == Op.NONE ? l * n + j : j * k + l];
        }
      }
    }
    return out;
  }
}
