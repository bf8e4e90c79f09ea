package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.RankBody;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.nn.AttentionDropout;
import io.tanuki4j.nn.CausalAttention;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.ContextCommunication;
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
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Attention over the same random sequences, on one rank or on several.
 *
 * @param backend of each rank
 * @param shape of the whole sequences
 */
record AttentionRanks(Supplier<Backend> backend, AttentionShape shape, DType dtype) {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /**
   * A rank's part of the results.
   *
   * @param gradient of the projection
   * @param bytesSent in forward and backward
   */
  public record Part(double[] out, double[] logSumExp, double[] gradient, long bytesSent) {}

  Part alone() {
    try (TestDevice device = new TestDevice(backend.get())) {
      Kernels kernels = device.kernels();
      AttentionCore core =
          new CausalAttention(
              kernels.attention(), shape.numHeads(), shape.numQueryGroups(), shape.headDim());
      return run(device, core, SequenceSharding.WHOLE);
    }
  }

  /** Starts ranks, and returns when all are through. */
  interface Launch {
    void run(int numRanks, Duration limit, RankBody body);
  }

  /** What each rank finds, in their order. */
  List<Part> run(ContextCommunication communication, int size) {
    return run(RankThreads::run, communication, size);
  }

  /** The same for ranks of another kind. */
  List<Part> run(Launch launch, ContextCommunication communication, int size) {
    Map<Integer, Part> parts = new ConcurrentHashMap<>();
    List<Integer> all = IntStream.range(0, size).boxed().toList();
    launch.run(
        size,
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice(backend.get());
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            ProcessGroup group = factory.create("cp", List.of(all));
            Part part =
                run(
                    device,
                    core(device.kernels(), group, communication),
                    new SequenceSharding(group.rank(), size));
            parts.put(
                group.rank(),
                new Part(part.out(), part.logSumExp(), part.gradient(), group.bytesSent()));
          }
        });
    return List.copyOf(new TreeMap<>(parts).values());
  }

  private AttentionCore core(
      Kernels kernels, ProcessGroup group, ContextCommunication communication) {
    return new ContextAttention(
        kernels,
        group,
        communication,
        shape.numHeads(),
        shape.numQueryGroups(),
        shape.headDim(),
        AttentionDropout.NONE,
        null);
  }

  /** Forward and backward of a rank's part. */
  private Part run(TestDevice device, AttentionCore core, SequenceSharding sharding) {
    Tensor qkv = part(device, shape.qkvSize(), 1, sharding);
    Tensor dOut = part(device, shape.outSize(), 2, sharding);
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
  private Tensor part(TestDevice device, int width, long seed, SequenceSharding sharding) {
    int s = shape.seqLength();
    Tensor whole = device.random(Shape.of(s, shape.batchSize(), width), seed);
    Shape local = Shape.of(sharding.localLength(s), shape.batchSize(), width);
    Tensor part = device.scope().allocate(local, dtype);
    int row = 0;
    for (Piece piece : sharding.pieces(s)) {
      Tensor rows = part.rows(row, row + piece.length());
      device.kernels().elementwise().copy(rows, whole.rows(piece.from(), piece.to()));
      row += piece.length();
    }
    return part;
  }

  /** What a rank should find, of what one rank alone has found. */
  Part partOf(Part whole, SequenceSharding sharding) {
    int[] positions = sharding.positions(shape.seqLength());
    int b = shape.batchSize();
    return new Part(
        rows(whole.out(), b * shape.outSize(), positions),
        columns(whole.logSumExp(), shape.seqLength(), positions),
        rows(whole.gradient(), b * shape.qkvSize(), positions),
        0);
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
