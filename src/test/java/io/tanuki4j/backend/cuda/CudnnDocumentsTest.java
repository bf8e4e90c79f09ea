package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.GuardedMemory;
import io.tanuki4j.kernel.HostValues;
import io.tanuki4j.kernel.Replay;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** cuDNN's attention within documents against the plain kernels in fp32, on the same GPU. */
@Tag("gpu")
class CudnnDocumentsTest {
  /** That of attention without documents. */
  private static final double TOLERANCE = 8e-3;

  @ParameterizedTest
  @CsvSource({
    "BF16, 256, 1, 4, 4, 64, 2, false",
    "BF16, 384, 2, 4, 2, 128, 5, false",
    "BF16, 1024, 3, 3, 1, 80, 9, false",
    "BF16, 2048, 1, 8, 2, 128, 40, false",
    "BF16, 128, 2, 2, 2, 128, 128, false",
    "BF16, 512, 2, 8, 2, 64, 6, true",
    "F16, 384, 2, 4, 2, 128, 5, false"
  })
  void agrees_with_fp32(
      DType type, int s, int b, int n, int g, int d, int numDocuments, boolean deterministic) {
    AttentionShape shape = new AttentionShape(s, b, n, g, d);
    try (Device device = TestGpu.open(deterministic);
        GuardedMemory memory = new GuardedMemory(device)) {
      Run fast = new Run(device, memory, type, shape, numDocuments);
      check(fast, randomStarts(s, b, numDocuments, s + b), deterministic);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1, 511", "511, 1", "127, 129, 256", "1, 1, 1, 509", "129, 127, 1, 255"})
  void lengths_at_the_edges_of_tiles_agree(String list) {
    int[] lengths = Arrays.stream(list.split(", ")).mapToInt(Integer::parseInt).toArray();
    AttentionShape shape = new AttentionShape(512, 1, 4, 2, 128);
    try (Device device = TestGpu.open();
        GuardedMemory memory = new GuardedMemory(device)) {
      int[] starts = new int[512];
      int next = 0;
      for (int length : lengths) {
        Arrays.fill(starts, next, next + length, next);
        next += length;
      }
      check(new Run(device, memory, DType.BF16, shape, lengths.length), starts, false);
    }
  }

  @Test
  void a_recording_serves_other_documents() {
    AttentionShape shape = new AttentionShape(512, 2, 4, 2, 128);
    try (Device device = TestGpu.open();
        GuardedMemory memory = new GuardedMemory(device)) {
      Run run = new Run(device, memory, DType.BF16, shape, 8);
      Run wide = new Run(device, memory, DType.F32, shape, 8);
      run.compute(randomStarts(512, 2, 8, 0));
      try (Replay replay = device.record(run::attend)) {
        for (int seed = 1; seed < 4; seed++) {
          int[] starts = randomStarts(512, 2, 1 + 2 * seed, seed);
          run.upload(starts);
          replay.run();
          wide.compute(starts);
          run.assertEqual(wide);
        }
      }
    }
  }

  private static void check(Run fast, int[] starts, boolean deterministic) {
    assertThat(fast.isFast()).as("runs on cuDNN").isTrue();
    GuardedMemory memory = fast.memory;
    Run wide = new Run(fast.device, memory, DType.F32, fast.shape, fast.mask.maxDocuments());
    fast.compute(starts);
    wide.compute(starts);
    fast.assertEqual(wide);
    byte[] out = memory.bytes(fast.out);
    byte[] dQkv = memory.bytes(fast.dQkv);
    fast.compute(starts);
    assertThat(memory.bytes(fast.out)).isEqualTo(out);
    if (deterministic) {
      assertThat(memory.bytes(fast.dQkv)).isEqualTo(dQkv);
    }
  }

  /** At most as many documents in each sample as asked for. */
  private static int[] randomStarts(int s, int b, int numDocuments, long seed) {
    Random random = new Random(seed);
    int[] starts = new int[s * b];
    for (int sample = 0; sample < b; sample++) {
      int[] begins =
          IntStream.concat(IntStream.of(0), random.ints(numDocuments - 1, 1, s)).sorted().toArray();
      for (int begin : begins) {
        for (int i = begin; i < s; i++) {
          starts[i * b + sample] = begin;
        }
      }
    }
    return starts;
  }

  /** The tensors of attention, forward and backward, in one type. */
  private static final class Run {
    private final Device device;
    private final GuardedMemory memory;
    private final AttentionShape shape;
    private final Tensor starts;
    private final AttentionMask mask;
    private final Tensor qkv;
    private final Tensor dOut;
    private final Tensor out;
    private final Tensor logSumExp;
    private final Tensor dQkv;

    Run(Device device, GuardedMemory memory, DType type, AttentionShape shape, int maxDocuments) {
      this.device = device;
      this.memory = memory;
      this.shape = shape;
      int s = shape.seqLength();
      int b = shape.batchSize();
      starts = memory.filled(DType.I32, 0, s, b);
      mask = AttentionMask.ofDocuments(starts, maxDocuments);
      // What BF16 holds, in every type.
      Tensor narrowQkv = memory.random(DType.BF16, 1, s, b, shape.qkvSize());
      Tensor narrowDOut = memory.random(DType.BF16, 2, s, b, shape.outSize());
      qkv = memory.of(type, memory.values(narrowQkv), s, b, shape.qkvSize());
      dOut = memory.of(type, memory.values(narrowDOut), s, b, shape.outSize());
      out = memory.undefined(type, s, b, shape.outSize());
      logSumExp = memory.undefined(DType.F32, b, shape.numHeads(), s);
      dQkv = memory.undefined(type, s, b, shape.qkvSize());
    }

    boolean isFast() {
      return CudnnAttention.takes(CudaAttention.causal(out, logSumExp, qkv, shape, mask));
    }

    void upload(int[] newStarts) {
      ByteBuffer bytes =
          ByteBuffer.allocate(Integer.BYTES * newStarts.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asIntBuffer().put(newStarts);
      device.upload(starts, bytes);
    }

    void attend() {
      var attention = device.kernels().attention();
      attention.causalAttentionForward(out, logSumExp, qkv, shape, mask);
      attention.causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, shape, mask);
    }

    void compute(int[] newStarts) {
      upload(newStarts);
      attend();
    }

    void assertEqual(Run other) {
      assertClose("out", out, other.out);
      assertClose("logSumExp", logSumExp, other.logSumExp);
      assertClose("dQkv", dQkv, other.dQkv);
    }

    private void assertClose(String name, Tensor actual, Tensor expected) {
      assertThat(HostValues.relativeError(memory.values(actual), memory.values(expected)))
          .as("relative error of " + name)
          .isLessThan(TOLERANCE);
    }
  }
}
