package io.tanuki4j.parallel.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.ParameterSpec.Sharing;
import io.tanuki4j.nn.ParameterSpec.Slice;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** A tensor-parallel rank of a test, and its parts of whole tensors, F64. */
record TensorRank(TestDevice device, ParallelContext context, boolean overlaps) {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** Sums over ranks are made in another order. */
  private static final double FP64 = 1e-12;

  static void run(int numRanks, boolean sequenceParallel, Consumer<TensorRank> body) {
    run(numRanks, sequenceParallel, false, body);
  }

  static void run(
      int numRanks, boolean sequenceParallel, boolean overlaps, Consumer<TensorRank> body) {
    ParallelDims dims = new ParallelDims(numRanks, 1, 1, 1, 1, sequenceParallel);
    RankThreads.run(
        numRanks,
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice(new CpuBackend(1));
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            body.accept(
                new TensorRank(
                    device, ParallelContext.create(new RankGrid(dims), factory), overlaps));
          }
        });
  }

  TensorRegion region() {
    return region(context);
  }

  TensorRegion region(ParallelContext of) {
    return TensorRegion.of(of, device.kernels().elementwise(), overlaps);
  }

  private int rank() {
    return context.tp().rank();
  }

  private int size() {
    return context.tp().size();
  }

  /** This rank's rows. */
  Tensor rowsOf(Tensor whole) {
    long own = whole.dim(0) / size();
    return whole.rows(rank() * own, (rank() + 1) * own);
  }

  /** What this rank has of hidden states outside of a region. */
  Tensor shardOf(Tensor hidden) {
    return context.dims().sequenceParallel() ? rowsOf(hidden) : hidden;
  }

  /** A copy of this rank's part of the last dim. */
  Tensor columnsOf(Tensor whole) {
    long[] dims = whole.shape().toArray();
    int width = (int) dims[dims.length - 1];
    int own = width / size();
    dims[dims.length - 1] = own;
    double[] values = device.read(whole);
    double[] part = new double[values.length / size()];
    for (int row = 0; row < values.length / width; row++) {
      System.arraycopy(values, row * width + rank() * own, part, row * own, own);
    }
    return device.tensor(DType.F64, Shape.of(dims), part);
  }

  /** A copy of this rank's rows of a parameter, without a gradient yet. */
  Parameter rowsOf(Parameter whole) {
    Shape shape = rowsOf(whole.value()).shape();
    long firstRow = rank() * shape.dim(0);
    return parameter(whole, copy(rowsOf(whole.value())), firstRow, 0);
  }

  /** A copy of this rank's columns of a parameter, without a gradient yet. */
  Parameter columnsOf(Parameter whole) {
    Tensor value = columnsOf(whole.value());
    return parameter(whole, value, 0, rank() * value.dim(1));
  }

  private Parameter parameter(Parameter whole, Tensor value, long firstRow, long firstColumn) {
    Shape global = whole.value().shape();
    Slice slice = new Slice(whole.name(), global, value.dim(0), firstRow, firstColumn);
    Tensor grad = undefined(value.shape());
    device.kernels().elementwise().fill(grad, 0);
    return new Parameter(
        new ParameterSpec(whole.name(), value.shape(), List.of(slice), 1, true, Sharing.SHARDED),
        value,
        grad);
  }

  Tensor copy(Tensor tensor) {
    return device.tensor(DType.F64, tensor.shape(), device.read(tensor));
  }

  /** A tensor of NaN. */
  Tensor undefined(Shape shape) {
    Tensor tensor = device.scope().allocate(shape, DType.F64);
    device.kernels().elementwise().fill(tensor, Double.NaN);
    return tensor;
  }

  void assertSame(String what, Tensor actual, Tensor expected) {
    assertThat(actual.shape()).as("shape of %s", what).isEqualTo(expected.shape());
    assertThat(device.read(actual))
        .as("%s of rank %d", what, rank())
        .containsExactly(device.read(expected), within(FP64));
  }
}
