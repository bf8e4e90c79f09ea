package io.tanuki4j.kernel;

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
    kernels().causalAttentionForward(out, lse, qkv, shape);
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
    kernels().causalAttentionForward(out, lse, qkv, shape);
    assertClose(out, new double[] {64, 64, 64, 64, 64, 64, 64});
  }

  @Test
  void backward_matches_finite_differences() {
    requireF64();
    AttentionShape shape = new AttentionShape(5, 2, 4, 2, 3);
    Tensor qkv = memory.random(DType.F64, 1, 5, 2, shape.qkvSize());
    Tensor dOut = memory.random(DType.F64, 2, 5, 2, shape.outSize());
    Tensor dQkv = memory.undefined(DType.F64, 5, 2, shape.qkvSize());
    backward(device(), memory, dQkv, dOut, qkv, shape);
    assertGradient(
        dQkv,
        qkv,
        moved -> {
          Tensor out = memory.undefined(DType.F64, 5, 2, shape.outSize());
          Tensor lse = memory.undefined(DType.F64, 2, 4, 5);
          kernels().causalAttentionForward(out, lse, moved, shape);
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
    kernels().causalAttentionForward(out, lse, qkv, shape);
    double[] expectedLse = new double[b * shape.numHeads() * s];
    assertClose(out, attention(memory.values(qkv), shape, expectedLse));
    assertClose(lse, expectedLse);
  }

  private void checkBackward(DType dtype, AttentionShape shape) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    Tensor qkv = memory.random(dtype, 1, s, b, shape.qkvSize());
    Tensor dOut = memory.random(dtype, 2, s, b, shape.outSize());
    Tensor dQkv = memory.undefined(dtype, s, b, shape.qkvSize());
    backward(device(), memory, dQkv, dOut, qkv, shape);
    double[] expected = backward(memory.values(dOut), memory.values(qkv), shape);
    // In BF16 the output that the backward reads has been rounded, too.
    assertClose(dQkv, expected, 4 * tolerance(dtype));
  }

  private double[] backward(double[] dOut, double[] qkv, AttentionShape shape) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    try (GuardedMemory wide = new GuardedMemory(reference())) {
      Tensor wideQkv = wide.of(DType.F64, qkv, s, b, shape.qkvSize());
      Tensor wideDOut = wide.of(DType.F64, dOut, s, b, shape.outSize());
      Tensor dQkv = wide.undefined(DType.F64, s, b, shape.qkvSize());
      backward(reference(), wide, dQkv, wideDOut, wideQkv, shape);
      return wide.values(dQkv);
    }
  }

  private static void backward(
      Device device,
      GuardedMemory memory,
      Tensor dQkv,
      Tensor dOut,
      Tensor qkv,
      AttentionShape shape) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    Tensor out = memory.undefined(qkv.dtype(), s, b, shape.outSize());
    Tensor lse = memory.undefined(sumType(qkv.dtype()), b, shape.numHeads(), s);
    device.kernels().causalAttentionForward(out, lse, qkv, shape);
    device.kernels().causalAttentionBackward(dQkv, dOut, out, lse, qkv, shape);
  }

  private static double[] attention(double[] qkv, AttentionShape shape, double[] lse) {
    int d = shape.headDim();
    int headsPerGroup = shape.numHeads() / shape.numQueryGroups();
    double[] out = new double[shape.seqLength() * shape.batchSize() * shape.outSize()];
    for (int i = 0; i < shape.seqLength(); i++) {
      for (int b = 0; b < shape.batchSize(); b++) {
        for (int head = 0; head < shape.numHeads(); head++) {
          int key = shape.numHeads() + head / headsPerGroup;
          double[] p = new double[i + 1];
          double sum = 0;
          for (int j = 0; j <= i; j++) {
            int q = ((i * shape.batchSize() + b) * shape.qkvSize()) + head * d;
            int k = ((j * shape.batchSize() + b) * shape.qkvSize()) + key * d;
            for (int l = 0; l < d; l++) {
              p[j] += qkv[q + l] * qkv[k + l] / Math.sqrt(d);
            }
            sum += Math.exp(p[j]);
          }
          lse[(b * shape.numHeads() + head) * shape.seqLength() + i] = Math.log(sum);
          for (int j = 0; j <= i; j++) {
            int value = key + shape.numQueryGroups();
            int v = ((j * shape.batchSize() + b) * shape.qkvSize()) + value * d;
            int o = ((i * shape.batchSize() + b) * shape.outSize()) + head * d;
            for (int l = 0; l < d; l++) {
              out[o + l] += Math.exp(p[j]) / sum * qkv[v + l];
            }
          }
        }
      }
    }
    return out;
  }
}
