package io.tanuki4j.parallel.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.nd4j.Nd4jBackend;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.nn.CausalAttention;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.context.SequenceSharding.Piece;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention over shared sequences against attention of one rank. */
class ContextAttentionTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** Sums over keys are made in another order. */
  private static final double FP64 = 1e-13;

  private static final double FP32 = 2e-5;

  /** Each part is rounded, then their sum: three roundings of numbers up to 4. */
  private static final double BF16 = 3 * 0x1p-7;

  /**
   * A rank's part of the results, and bytes that it sent.
   *
   * @param gradient of the projection
   */
  private record Part(double[] out, double[] logSumExp, double[] gradient, long bytesSent) {}

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
    Part whole = alone(shape, dtype);
    List<Part> parts = run(communication, size, shape, dtype);
    double tolerance = dtype == DType.F64 ? FP64 : dtype == DType.F32 ? FP32 : BF16;
    for (int rank = 0; rank < size; rank++) {
      int[] positions = new SequenceSharding(rank, size).positions(s);
      Part part = parts.get(rank);
      int outWidth = b * shape.outSize();
      int qkvWidth = b * shape.qkvSize();
      assertThat(part.out())
          .as("output of rank %d", rank)
          .containsExactly(rows(whole.out(), outWidth, positions), within(tolerance));
      assertThat(part.gradient())
          .as("gradient of rank %d", rank)
          .containsExactly(rows(whole.gradient(), qkvWidth, positions), within(tolerance));
      assertThat(part.logSumExp())
          .as("logarithms of rank %d", rank)
          .containsExactly(columns(whole.logSumExp(), s, positions), within(tolerance));
    }
  }

  /** In the forward each block goes to every other rank; in the backward gradients come back. */
  @Test
  void the_ring_sends_blocks_once_and_gradients_only_of_keys_that_are_seen() {
    AttentionShape shape = new AttentionShape(64, 2, 4, 2, 8);
    List<Part> parts = run(ContextCommunication.P2P, 4, shape, DType.F32);
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

  private static Part alone(AttentionShape shape, DType dtype) {
    try (TestDevice device = new TestDevice(new Nd4jBackend(1))) {
      AttentionCore core =
          new CausalAttention(
              device.kernels(), shape.numHeads(), shape.numQueryGroups(), shape.headDim());
      return run(device, core, shape, dtype, SequenceSharding.WHOLE);
    }
  }

  private static List<Part> run(
      ContextCommunication communication, int size, AttentionShape shape, DType dtype) {
    Map<Integer, Part> parts = new ConcurrentHashMap<>();
    List<Integer> all = IntStream.range(0, size).boxed().toList();
    RankThreads.run(
        size,
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice(new Nd4jBackend(1));
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            ProcessGroup group = factory.create("cp", List.of(all));
            AttentionCore core =
                new ContextAttention(
                    device.kernels(),
                    group,
                    communication,
                    shape.numHeads(),
                    shape.numQueryGroups(),
                    shape.headDim());
            SequenceSharding sharding = new SequenceSharding(group.rank(), size);
            Part part = run(device, core, shape, dtype, sharding);
            parts.put(
                group.rank(),
                new Part(part.out(), part.logSumExp(), part.gradient(), group.bytesSent()));
          }
        });
    return List.copyOf(new TreeMap<>(parts).values());
  }

  /** Forward and backward of a rank's part of random numbers. */
  private static Part run(
      TestDevice device,
      AttentionCore core,
      AttentionShape shape,
      DType dtype,
      SequenceSharding sharding) {
    Tensor qkv = part(device, shape, shape.qkvSize(), 1, dtype, sharding);
    Tensor dOut = part(device, shape, shape.outSize(), 2, dtype, sharding);
    Tensor out = device.scope().allocate(dOut.shape(), dtype);
    Tensor dQkv = device.scope().allocate(qkv.shape(), dtype);
    Microbatch microbatch = device.microbatch((int) qkv.dim(0), shape.batchSize(), 1, 1);
    double[] logSumExp;
    try (MemoryScope scope = device.scope().child("micro-batch")) {
      Microbatch scoped = microbatch.withScope(scope);
      AttentionCore.Saved saved = core.forward(out, qkv, scoped);
      core.backward(dQkv, saved, dOut, scoped);
      logSumExp = device.read(saved.logSumExp());
    }
    return new Part(device.read(out), logSumExp, device.read(dQkv), 0);
  }

  /** The rank's rows of random numbers {@code [s, b, width]}. */
  private static Tensor part(
      TestDevice device,
      AttentionShape shape,
      int width,
      long seed,
      DType dtype,
      SequenceSharding sharding) {
    int s = shape.seqLength();
    Tensor whole = device.random(Shape.of(s, shape.batchSize(), width), seed);
    Shape local = Shape.of(sharding.localLength(s), shape.batchSize(), width);
    Tensor part = device.scope().allocate(local, dtype);
    int row = 0;
    for (Piece piece : sharding.pieces(s)) {
      Tensor rows = part.rows(row, row + piece.length());
      device.kernels().copy(rows, whole.rows(piece.from(), piece.to()));
      row += piece.length();
    }
    return part;
  }

  private static double[] rows(double[] values, int width, int[] positions) {
    return Arrays.stream(positions)
        .flatMap(i -> IntStream.range(i * width, (i + 1) * width))
        .mapToDouble(i -> values[i])
        .toArray();
  }

  private static double[] columns(double[] values, int width, int[] positions) {
    return IntStream.range(0, values.length / width)
        .flatMap(row -> Arrays.stream(positions).map(i -> row * width + i))
        .mapToDouble(i -> values[i])
        .toArray();
  }
}
