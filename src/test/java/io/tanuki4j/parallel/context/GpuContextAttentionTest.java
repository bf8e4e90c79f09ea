package io.tanuki4j.parallel.context;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.backend.cuda.TestGpu;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.HostValues;
import io.tanuki4j.parallel.ContextCommunication;
import io.tanuki4j.parallel.context.AttentionRanks.Part;
import io.tanuki4j.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention over shared sequences in BF16, by ranks that are threads with one GPU. */
@Tag("gpu")
class GpuContextAttentionTest {
  /** Roundings to BF16 of probabilities, and of each block's results before they are summed. */
  private static final double TOLERANCE = 1e-2;

  @ParameterizedTest(name = "{0} of {1} ranks: s {2}, b {3}, n {4}, g {5}, d {6}")
  @CsvSource({
    "P2P,        2, 512,  2, 4, 2, 128",
    "P2P,        4, 1024, 1, 8, 2, 64",
    "ALL_GATHER, 2, 512,  1, 4, 4, 64",
    "P2P,        2, 200,  1, 4, 2, 40",
  })
  void ranks_compute_their_rows_of_the_whole(
      ContextCommunication communication, int size, int s, int b, int n, int g, int d) {
    AttentionShape shape = new AttentionShape(s, b, n, g, d);
    AttentionRanks ranks = new AttentionRanks(TestGpu::backend, shape, DType.BF16);
    Part whole = ranks.alone();
    List<Part> parts = ranks.run(communication, size);
    for (int rank = 0; rank < size; rank++) {
      Part part = parts.get(rank);
      Part expected = ranks.partOf(whole, new SequenceSharding(rank, size));
      assertClose("output", part.out(), expected.out());
      assertClose("logarithms", part.logSumExp(), expected.logSumExp());
      assertClose("gradient", part.gradient(), expected.gradient());
    }
  }

  private static void assertClose(String name, double[] actual, double[] expected) {
    assertThat(HostValues.relativeError(actual, expected))
        .as("relative error of " + name)
        .isLessThan(TOLERANCE);
  }
}
