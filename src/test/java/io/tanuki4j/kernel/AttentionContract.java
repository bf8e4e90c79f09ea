package io.tanuki4j.kernel;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention against its formula, its backward against finite differences and against fp64. */
public abstract class AttentionContract extends KernelContract {
  @Test
  void the_first_token_sees_only_itself() {
    AttentionShape shape = new AttentionShape(2, 1, 1, 1, 1);
    Tensor qkv = memory.of(widest(), new double[] {1, 1, 5, 0, 9, 7}, 2, 1, 3);
    Tensor out = memory.undefined(widest(), 2, 1, 1);
    Tensor lse = memory.undefined(widest(), 1, 1, 2);
    kernels().attention().causalAttentionForward(out, lse, qkv, shape);
    assertClose(out, new double[] {5, 6});
    assertClose(lse, new double[] {1, Math.log(2)});
  }

  @ParameterizedTest
  @MethodSource("types")
  void matches_the_formula_at_odd_sizes(DType dtype) {
    for (int s : ODD_SIZES) {
      checkForward(dtype, new AttentionShape(s, 1, 1, 1, 7));
      checkForward(dtype, new AttentionShape(s, 2, 4, 2, 16));
      checkForward(dtype, new AttentionShape(s, 3, 3, 1, 33));
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void large_scores_do_not_overflow(DType dtype) {
    AttentionShape shape = new AttentionShape(7, 1, 1, 1, 1);
    Tensor qkv = memory.filled(dtype, 64, 7, 1, 3);
    Tensor out = memory.undefined(dtype, 7, 1, 1);
    Tensor lse = memory.undefined(sumType(dtype), 1, 1, 7);
    kernels().attention().causalAttentionForward(out, lse, qkv, shape);
    assertClose(out, new double[] {64, 64, 64, 64, 64, 64, 64});
  }

  @Test
  void backward_matches_finite_differences() {
    requireF64();
    AttentionShape shape = new AttentionShape(5, 2, 4, 2, 3);
    Tensor qkv = memory.random(DType.F64, 1, 5, 2, shape.qkvSize());
    Tensor dOut = memory.random(DType.F64, 2, 5, 2, shape.outSize());
    Tensor dQkv = memory.undefined(DType.F64, 5, 2, shape.qkvSize());
    backward(dQkv, dOut, qkv, shape);
    assertGradient(
        dQkv,
        qkv,
        moved -> {
          Tensor out = memory.undefined(DType.F64, 5, 2, shape.outSize());
          Tensor lse = memory.undefined(DType.F64, 2, 4, 5);
          kernels().attention().causalAttentionForward(out, lse, moved, shape);
          return dot(out, dOut);
        });
  }

  @ParameterizedTest
  @MethodSource("types")
  void backward_matches_fp64_at_odd_sizes(DType dtype) {
    for (int s : ODD_SIZES) {
      checkBackward(dtype, new AttentionShape(s, 2, 4, 2, 16));
      checkBackward(dtype, new AttentionShape(s, 1, 3, 1, 33));
    }
  }

  private void checkForward(DType dtype, AttentionShape shape) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    Tensor qkv = memory.random(dtype, 1, s, b, shape.qkvSize());
    Tensor out = memory.undefined(dtype, s, b, shape.outSize());
    Tensor lse = memory.undefined(sumType(dtype), b, shape.numHeads(), s);
    kernels().attention().causalAttentionForward(out, lse, qkv, shape);
    AttentionFormula expected = AttentionFormula.causal(memory.values(qkv), shape);
    assertClose(out, expected.out());
    assertClose(lse, expected.logSumExp());
  }

  private void checkBackward(DType dtype, AttentionShape shape) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    Tensor qkv = memory.random(dtype, 1, s, b, shape.qkvSize());
    Tensor dOut = memory.random(dtype, 2, s, b, shape.outSize());
    Tensor dQkv = memory.undefined(dtype, s, b, shape.qkvSize());
    Tensor out = backward(dQkv, dOut, qkv, shape);
    AttentionFormula formula = AttentionFormula.causal(memory.values(qkv), shape);
    double[] expected = formula.backward(memory.values(dOut), memory.values(out));
    assertClose(dQkv, expected, 4 * tolerance(dtype));
  }

  /** Returns the output, which the backward has read. */
  private Tensor backward(Tensor dQkv, Tensor dOut, Tensor qkv, AttentionShape shape) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    Tensor out = memory.undefined(qkv.dtype(), s, b, shape.outSize());
    Tensor lse = memory.undefined(sumType(qkv.dtype()), b, shape.numHeads(), s);
    kernels().attention().causalAttentionForward(out, lse, qkv, shape);
    kernels().attention().causalAttentionBackward(dQkv, dOut, out, lse, qkv, shape);
    return out;
  }
}
