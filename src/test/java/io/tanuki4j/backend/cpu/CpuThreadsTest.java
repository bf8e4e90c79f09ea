package io.tanuki4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.GuardedMemory;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CpuThreadsTest {
  private static final int TOKENS = 300;
  private static final int HIDDEN = 96;
  private static final int VOCAB = 1000;
  private static final AttentionShape ATTENTION = new AttentionShape(150, 2, 4, 2, 24);

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F64", "F32", "BF16", "F16"})
  void results_do_not_depend_on_the_number_of_threads(DType dtype) {
    List<byte[]> one = results(1, dtype);
    for (int numThreads : new int[] {2, 3}) {
      List<byte[]> several = results(numThreads, dtype);
      assertThat(several).hasSameSizeAs(one);
      for (int i = 0; i < one.size(); i++) {
        assertThat(Arrays.mismatch(several.get(i), one.get(i)))
            .as("first byte in which output %d of %d threads differs", i, numThreads)
            .isEqualTo(-1);
      }
    }
  }

  private static List<byte[]> results(int numThreads, DType dtype) {
    try (CpuBackend backend = new CpuBackend(numThreads);
        Device device = backend.openDevice(0);
        GuardedMemory memory = new GuardedMemory(device)) {
      return new Step(device.kernels(), memory, dtype).run().stream().map(memory::bytes).toList();
    }
  }

  /** Every operation whose sums are shared by tasks, or that BLAS computes. */
  private record Step(Kernels kernels, GuardedMemory memory, DType dtype) {
    List<Tensor> run() {
      List<Tensor> outputs = new ArrayList<>();
      products(outputs);
      norm(outputs);
      attention(outputs);
      vocabulary(outputs);
      return outputs;
    }

    private void products(List<Tensor> outputs) {
      Tensor x = memory.random(dtype, 1, TOKENS, HIDDEN);
      Tensor w = memory.random(dtype, 2, VOCAB, HIDDEN);
      Tensor y = memory.undefined(dtype, TOKENS, VOCAB);
      Tensor dw = memory.random(dtype, 3, VOCAB, HIDDEN);
      kernels.matmul().matmul(y, x, Op.NONE, w, Op.TRANSPOSE, Accumulate.OVERWRITE);
      kernels.matmul().matmul(dw, y, Op.TRANSPOSE, x, Op.NONE, Accumulate.ADD);
      kernels.matmul().matmul(x, y, Op.NONE, w, Op.NONE, Accumulate.OVERWRITE);
      outputs.addAll(List.of(y, dw, x));
    }

    private void norm(List<Tensor> outputs) {
      Tensor x = memory.random(dtype, 4, TOKENS, HIDDEN);
      Tensor weight = memory.random(dtype, 5, HIDDEN);
      Tensor out = memory.undefined(dtype, TOKENS, HIDDEN);
      Tensor rstd = memory.undefined(sumType(), TOKENS);
      Tensor dWeight = memory.filled(sumType(), 0, HIDDEN);
      kernels.norm().rmsNormForward(out, rstd, x, weight, 1e-5);
      kernels.norm().rmsNormBackward(x, dWeight, out, x, rstd, weight, /* residual= */ null);
      outputs.addAll(List.of(out, dWeight, x));
    }

    private void attention(List<Tensor> outputs) {
      Tensor qkv = memory.random(dtype, 6, TOKENS, ATTENTION.qkvSize());
      Tensor dQkv = memory.undefined(dtype, TOKENS, ATTENTION.qkvSize());
      Tensor out = memory.undefined(dtype, TOKENS, ATTENTION.outSize());
      Tensor lse = memory.undefined(sumType(), TOKENS * ATTENTION.numHeads());
      kernels.attention().causalAttentionForward(out, lse, qkv, ATTENTION);
      kernels.attention().causalAttentionBackward(dQkv, out, out, lse, qkv, ATTENTION);
      outputs.addAll(List.of(out, dQkv));
    }

    private void vocabulary(List<Tensor> outputs) {
      double[] ids = new Random(7).ints(TOKENS, 0, 50).asDoubleStream().toArray();
      Tensor tokens = memory.of(DType.I32, ids, TOKENS);
      Tensor table = memory.random(sumType(), 8, VOCAB, HIDDEN);
      kernels
          .embedding()
          .embeddingBackward(table, memory.random(dtype, 9, TOKENS, HIDDEN), tokens, 0);
      Tensor logits = memory.random(dtype, 10, TOKENS, VOCAB);
      Tensor mask = memory.filled(DType.F32, 1, TOKENS);
      Tensor sums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
      Tensor scale = memory.filled(DType.F64, 0.1, 1);
      kernels.loss().crossEntropyForwardBackward(sums, logits, tokens, mask, scale, 1e-3);
      Tensor squares = memory.filled(DType.F64, 0, 1);
      kernels.optimizer().sumOfSquares(squares, logits);
      outputs.addAll(List.of(table, sums, logits, squares));
    }

    private DType sumType() {
      return dtype == DType.F64 ? DType.F64 : DType.F32;
    }
  }
}
