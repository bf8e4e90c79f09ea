package io.tanuki4j.parallel.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.comm.socket.LoopbackRanks;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.parallel.ContextCommunication;
import io.tanuki4j.parallel.context.AttentionRanks.Part;
import io.tanuki4j.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention over shared sequences against attention of one rank. */
class ContextAttentionTest {
  /** Sums over keys are made in another order. */
  private static final double FP64 = 1e-13;

  private static final double FP32 = 2e-5;

  /** Each part is rounded, then their sum: three roundings of numbers up to 4. */
  private static final double BF16 = 3 * 0x1p-7;

  @ParameterizedTest(name = "{0} of {1} ranks, {2}: s {3}, b {4}, n {5}, g {6}, d {7}")
  @CsvSource({
    "P2P,        2, F64,  4,   1, 1, 1, 1",
    "P2P,        2, F64,  64,  2, 4, 2, 5",
    "P2P,        3, F64,  42,  3, 3, 1, 4",
    "P2P,        4, F64,  264, 1, 2, 2, 8",
    "P2P,        2, F32,  64,  2, 4, 2, 5",
    "P2P,        4, F32,  264, 2, 4, 1, 8",
    "P2P,        4, BF16, 64,  2, 4, 2, 8",
    "ALL_GATHER, 2, F64,  4,   1, 1, 1, 1",
    "ALL_GATHER, 2, F64,  64,  2, 4, 2, 5",
    "ALL_GATHER, 3, F64,  42,  3, 3, 1, 4",
    "ALL_GATHER, 4, F64,  264, 1, 2, 2, 8",
    "ALL_GATHER, 4, F32,  264, 2, 4, 1, 8",
    "ALL_GATHER, 4, BF16, 64,  2, 4, 2, 8",
  })
  void ranks_compute_their_rows_of_the_whole(
      ContextCommunication communication,
      int size,
      DType dtype,
      int s,
      int b,
      int n,
      int g,
      int d) {
    AttentionShape shape = new AttentionShape(s, b, n, g, d);
    AttentionRanks ranks = new AttentionRanks(() -> new CpuBackend(1), shape, dtype);
    double tolerance = dtype == DType.F64 ? FP64 : dtype == DType.F32 ? FP32 : BF16;
    assertSame(ranks, ranks.run(communication, size), tolerance);
  }

  @ParameterizedTest(name = "{0} of {1} ranks")
  @CsvSource({"P2P, 2", "P2P, 4", "ALL_GATHER, 3"})
  void so_they_do_over_tcp(ContextCommunication communication, int size) {
    AttentionShape shape = new AttentionShape(48, 2, 4, 2, 5);
    AttentionRanks ranks = new AttentionRanks(() -> new CpuBackend(1), shape, DType.F64);
    assertSame(ranks, ranks.run(LoopbackRanks::run, communication, size), FP64);
  }

  private static void assertSame(AttentionRanks ranks, List<Part> parts, double tolerance) {
    Part whole = ranks.alone();
    int size = parts.size();
    for (int rank = 0; rank < size; rank++) {
      Part part = parts.get(rank);
      Part expected = ranks.partOf(whole, new SequenceSharding(rank, size));
      assertThat(part.out())
          .as("output of rank %d", rank)
          .containsExactly(expected.out(), within(tolerance));
      assertThat(part.gradient())
          .as("gradient of rank %d", rank)
          .containsExactly(expected.gradient(), within(tolerance));
      assertThat(part.logSumExp())
          .as("logarithms of rank %d", rank)
          .containsExactly(expected.logSumExp(), within(tolerance));
    }
  }

  /** In the forward each block goes to every other rank; in the backward gradients come back. */
  @Test
  void the_ring_sends_blocks_once_and_gradients_only_of_keys_that_are_seen() {
    AttentionShape shape = new AttentionShape(64, 2, 4, 2, 8);
    AttentionRanks ranks = new AttentionRanks(() -> new CpuBackend(1), shape, DType.F32);
    List<Part> parts = ranks.run(ContextCommunication.P2P, 4);
    long block = 16L * 2 * shape.keyValueSize() * Float.BYTES;
    for (int rank = 0; rank < 4; rank++) {
      int earlier = rank;
      int later = 3 - rank;
      long gradients = earlier * block / 2 + later * block;
      assertThat(parts.get(rank).bytesSent())
          .as("rank %d", rank)
          .isEqualTo(2 * 3 * block + gradients);
    }
  }
}
