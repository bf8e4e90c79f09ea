package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.GuardedMemory;
import io.tanuki4j.kernel.HostValues;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** cuDNN's attention in sixteen bits against the plain kernels in fp32, on the same GPU. */
@Tag("gpu")
class CudnnAttentionTest {
  /** Roundings of probabilities and outputs; measured in BF16 on an H100: 1.9e-3 to 3.2e-3. */
  private static final double TOLERANCE = 8e-3;

  private static final List<DType> TYPES = List.of(DType.BF16, DType.F16);

  @ParameterizedTest
  @CsvSource({
    "128, 2, 4, 2, 128, false",
    "384, 1, 8, 2, 128, false",
    "512, 3, 4, 4, 64, false",
    "1024, 1, 3, 1, 80, false",
    "128, 2, 4, 2, 128, true",
    "640, 1, 8, 2, 64, true"
  })
  void agrees_with_fp32(int s, int b, int n, int g, int d, boolean deterministic) {
    for (DType type : TYPES) {
      agrees(type, new AttentionShape(s, b, n, g, d), deterministic);
    }
  }

  private void agrees(DType type, AttentionShape shape, boolean deterministic) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    try (Device device = TestGpu.open(deterministic);
        GuardedMemory memory = new GuardedMemory(device)) {
      Tensor qkv = memory.random(type, 1, s, b, shape.qkvSize());
      Tensor dOut = memory.random(type, 2, s, b, shape.outSize());
      Tensor wideQkv = memory.of(DType.F32, memory.values(qkv), s, b, shape.qkvSize());
      Tensor wideDOut = memory.of(DType.F32, memory.values(dOut), s, b, shape.outSize());

      Results fast = Results.of(device, memory, qkv, dOut, shape);
      Results plain = Results.of(device, memory, wideQkv, wideDOut, shape);
      assertClose("out", memory, fast.out(), plain.out());
      assertClose("logSumExp", memory, fast.logSumExp(), plain.logSumExp());
      assertClose("dQkv", memory, fast.dQkv(), plain.dQkv());

      Results again = Results.of(device, memory, qkv, dOut, shape);
      assertThat(memory.bytes(again.out())).isEqualTo(memory.bytes(fast.out()));
      if (deterministic) {
        assertThat(memory.bytes(again.dQkv())).isEqualTo(memory.bytes(fast.dQkv()));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "256, 128, 2, 4, 2, 128, false",
    "128, 256, 2, 4, 2, 128, false",
    "512, 256, 1, 8, 8, 64, false",
    "128, 128, 1, 3, 1, 80, false",
    "256, 128, 2, 4, 2, 128, true",
    "128, 384, 1, 8, 2, 64, true"
  })
  void blocks_agree_with_fp32(int q, int k, int b, int n, int g, int d, boolean deterministic) {
    AttentionBlock block = new AttentionBlock(new AttentionShape(q, b, n, g, d), k);
    for (DType type : TYPES) {
      blocksAgree(type, block, deterministic);
    }
  }

  private void blocksAgree(DType type, AttentionBlock block, boolean deterministic) {
    int q = block.queries().seqLength();
    int k = block.numKeys();
    int b = block.queries().batchSize();
    try (Device device = TestGpu.open(deterministic);
        GuardedMemory memory = new GuardedMemory(device)) {
      Tensor qkv = memory.random(type, 1, q, b, block.queries().qkvSize());
      Tensor keyValues = memory.random(type, 2, k, b, block.keyValueSize());
      Tensor dOut = memory.random(type, 3, q, b, block.queries().outSize());

      BlockResults fast = BlockResults.of(device, memory, qkv, keyValues, dOut, block);
      BlockResults plain =
          BlockResults.of(
              device,
              memory,
              wide(memory, qkv),
              wide(memory, keyValues),
              wide(memory, dOut),
              block);
      assertClose("out", memory, fast.out(), plain.out());
      assertClose("logSumExp", memory, fast.logSumExp(), plain.logSumExp());
      assertClose("dQueries", memory, fast.dQueries(), plain.dQueries());
      assertClose("dKeyValues", memory, fast.dKeyValues(), plain.dKeyValues());

      BlockResults again = BlockResults.of(device, memory, qkv, keyValues, dOut, block);
      assertThat(memory.bytes(again.out())).isEqualTo(memory.bytes(fast.out()));
      if (deterministic) {
        assertThat(memory.bytes(again.dQueries())).isEqualTo(memory.bytes(fast.dQueries()));
      }
    }
  }

  private static Tensor wide(GuardedMemory memory, Tensor tensor) {
    return memory.of(DType.F32, memory.values(tensor), tensor.shape().toArray());
  }

  private record BlockResults(Tensor out, Tensor logSumExp, Tensor dQueries, Tensor dKeyValues) {
    static BlockResults of(
        Device device,
        GuardedMemory memory,
        Tensor qkv,
        Tensor keyValues,
        Tensor dOut,
        AttentionBlock block) {
      AttentionShape queries = block.queries();
      Tensor out = memory.undefined(qkv.dtype(), dOut.shape().toArray());
      Tensor logSumExp =
          memory.undefined(DType.F32, queries.batchSize(), queries.numHeads(), queries.seqLength());
      Tensor dQueries = memory.undefined(qkv.dtype(), dOut.shape().toArray());
      Tensor dKeyValues = memory.undefined(qkv.dtype(), keyValues.shape().toArray());
      Kernels kernels = device.kernels();
      kernels.attention().blockAttentionForward(out, logSumExp, qkv, keyValues, block);
      kernels
          .attention()
          .blockAttentionBackward(
              dQueries, dKeyValues, dOut, out, logSumExp, qkv, keyValues, block);
      return new BlockResults(out, logSumExp, dQueries, dKeyValues);
    }
  }

  private static void assertClose(
      String name, GuardedMemory memory, Tensor actual, Tensor expected) {
    assertThat(HostValues.relativeError(memory.values(actual), memory.values(expected)))
        .as("relative error of " + name)
        .isLessThan(TOLERANCE);
  }

  private record Results(Tensor out, Tensor logSumExp, Tensor dQkv) {
    static Results of(
        Device device, GuardedMemory memory, Tensor qkv, Tensor dOut, AttentionShape shape) {
      int s = shape.seqLength();
      int b = shape.batchSize();
      Tensor out = memory.undefined(qkv.dtype(), s, b, shape.outSize());
      Tensor logSumExp = memory.undefined(DType.F32, b, shape.numHeads(), s);
      Tensor dQkv = memory.undefined(qkv.dtype(), s, b, shape.qkvSize());
      device.kernels().attention().causalAttentionForward(out, logSumExp, qkv, shape);
      device.kernels().attention().causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, shape);
      return new Results(out, logSumExp, dQkv);
    }
  }
}
