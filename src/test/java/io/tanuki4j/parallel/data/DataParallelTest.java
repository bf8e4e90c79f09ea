package io.tanuki4j.parallel.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.nn.BucketLayout;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterListener;
import io.tanuki4j.nn.ParameterSlice;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.ParameterSpec.Sharing;
import io.tanuki4j.nn.ParameterSpec.Slice;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.Axis;
import io.tanuki4j.parallel.DataParallelConfig;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import io.tanuki4j.parallel.pipeline.TiedParameters;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataParallelTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String TIED = "embedding";
  private static final DataParallelConfig OVERLAPPING =
      new DataParallelConfig(true, true, true, false, 50);

  /** Every gradient is 1 on every rank, so a sum counts the ranks that took part in it. */
  @ParameterizedTest
  @CsvSource({
    // tp, cp, dp, pp, sequence parallel, distributed optimizer
    "1, 1, 4, 1, false, false",
    "1, 1, 3, 1, false, true",
    "1, 2, 2, 1, false, true",
    "2, 1, 2, 2, true, false",
    "2, 1, 2, 2, true, true",
    "2, 2, 1, 2, false, true",
    "1, 1, 2, 2, false, true",
  })
  void gradients_are_summed_over_the_ranks_that_have_parts_of_them(
      int tp, int cp, int dp, int pp, boolean sequenceParallel, boolean distributed) {
    ParallelDims dims = new ParallelDims(tp, cp, dp, pp, 1, sequenceParallel);
    DataParallelConfig config = new DataParallelConfig(distributed, true, distributed, false, 50);
    run(
        dims,
        config,
        rank -> {
          rank.fillGradients(1);
          rank.data.finishGradients();
          for (var part : rank.ownedParts()) {
            String name = part.parameter().name();
            int expected = dp * cp;
            expected *= name.equals(TIED) ? pp : 1;
            expected *= name.startsWith("norm") && sequenceParallel ? tp : 1;
            assertThat(rank.device.read(part.range().of(rank.parameters.grads())))
                .as(name)
                .containsOnly(expected);
          }
        });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void every_parameter_is_counted_once(boolean distributed) {
    ParallelDims dims = ParallelDims.of(2, 1, 2, 2);
    DataParallelConfig config = new DataParallelConfig(distributed, false, false, false, null);
    List<Long> counts = new ArrayList<>();
    run(
        dims,
        config,
        rank -> {
          long counted =
              rank.data.shard().countedParts().stream()
                  .mapToLong(part -> part.range().size())
                  .sum();
          synchronized (counts) {
            counts.add(counted);
          }
          assertThat(rank.data.shard().group().size()).isEqualTo(8);
        });
    // Two stages: a tied embedding, and on each a matrix of 6 x 20 and a norm of 7.
    long whole = 20 * 10 + 2 * (6 * 20 + 7);
    assertThat(counts.stream().mapToLong(count -> count).sum()).isEqualTo(whole);
  }

  @Test
  void a_bucket_is_reduced_as_soon_as_all_of_its_gradients_are_done() {
    run(
        ParallelDims.of(1, 1, 2, 1),
        new DataParallelConfig(false, true, false, false, 1),
        rank -> {
          rank.fillGradients(1);
          ParameterListener listener = rank.data.listener(4, 5);
          List<Parameter> matrix = List.of(rank.parameters.get("matrix0"));
          listener.gradientsDone(matrix);
          long sent = rank.context.dpCp().bytesSent();
          assertThat(sent).isEqualTo(128 * Float.BYTES);
          listener.gradientsDone(matrix);
          assertThat(rank.context.dpCp().bytesSent()).isEqualTo(sent);
          rank.data.finishGradients();
          assertThat(rank.device.read(rank.parameters.get("matrix0").grad())).containsOnly(2);
          assertThat(rank.device.read(rank.parameters.get("norm0").grad())).containsOnly(2);
          listener.gradientsDone(matrix);
          assertThat(rank.context.dpCp().bytesSent()).isGreaterThan(sent);
          rank.data.finishGradients();
        });
  }

  @Test
  void only_the_first_and_last_micro_batch_are_listened_to() {
    run(
        ParallelDims.of(1, 1, 2, 1),
        OVERLAPPING,
        rank -> {
          assertThat(rank.data.listener(1, 3)).isSameAs(ParameterListener.NONE);
          assertThat(rank.data.listener(0, 3))
              .isSameAs(rank.data.listener(0, 4))
              .isNotSameAs(rank.data.listener(2, 3));
          assertThat(rank.data.listener(0, 1)).isNotSameAs(rank.data.listener(0, 2));
        });
    run(
        ParallelDims.SINGLE,
        OVERLAPPING,
        rank -> assertThat(rank.data.listener(0, 1)).isSameAs(ParameterListener.NONE));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void each_rank_gets_the_weights_that_the_others_updated(boolean overlap) {
    run(
        ParallelDims.of(1, 1, 3, 1),
        new DataParallelConfig(true, overlap, overlap, false, 50),
        rank -> {
          rank.device.kernels().elementwise().fill(rank.parameters.values(), -1);
          for (var owned : rank.data.shard().owned()) {
            rank.device
                .kernels()
                .elementwise()
                .fill(owned.range().of(rank.parameters.values()), rank.context.globalRank());
          }
          rank.data.shareWeights();
          if (overlap) {
            rank.data.listener(0, 2).valuesNeeded(List.of(rank.parameters.get("norm0")));
            // 64 elements of each rank
            assertThat(rank.device.read(rank.parameters.get("norm0").value())).containsOnly(0);
          }
          rank.data.awaitWeights();
          for (var bucket : rank.parameters.buckets()) {
            for (int other = 0; other < 3; other++) {
              assertThat(rank.device.read(bucket.shard(other, 3).of(rank.parameters.values())))
                  .containsOnly(other);
            }
          }
        });
  }

  @Test
  void tied_parameters_need_a_bucket_of_their_own() {
    assertThatThrownBy(
            () ->
                RankThreads.run(
                    2,
                    LIMIT,
                    seat -> {
                      try (TestDevice device = new TestDevice();
                          ProcessGroupFactory factory = seat.processGroups(device.device())) {
                        ParallelDims dims = ParallelDims.of(1, 1, 1, 2);
                        new Rank(device, factory, dims, OVERLAPPING, BucketLayout.WHOLE);
                      }
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("tied embedding is in a bucket of 2 parameters (expected: alone)");
  }

  @Test
  void the_default_size_of_a_bucket_is_megatrons() {
    DataParallelConfig config = new DataParallelConfig(true, true, false, false, null);
    assertThat(config.bucketPlan(8, Set.of(), Set.of()).bucketElements()).isEqualTo(40_000_000);
    assertThat(config.bucketPlan(64, Set.of(), Set.of()).bucketElements()).isEqualTo(64_000_000);
    assertThat(config.bucketPlan(64, Set.of(), Set.of()).numShards()).isEqualTo(64);
    assertThat(DataParallelConfig.PLAIN.bucketPlan(64, Set.of(), Set.of()))
        .isEqualTo(BucketLayout.WHOLE);
  }

  private static void run(ParallelDims dims, DataParallelConfig config, Consumer<Rank> body) {
    RankThreads.run(
        dims.worldSize(),
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice();
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            int replicas = dims.dp() * dims.cp();
            BucketLayout plan = config.bucketPlan(replicas, Set.of(TIED), Set.of());
            body.accept(new Rank(device, factory, dims, config, plan));
          }
        });
  }

  /** A rank of a model with one matrix and one norm on each stage, and tied embeddings. */
  private static final class Rank {
    final TestDevice device;
    final ParallelContext context;
    final ParameterBuffers parameters;
    final DataParallel data;

    Rank(
        TestDevice device,
        ProcessGroupFactory factory,
        ParallelDims dims,
        DataParallelConfig config,
        BucketLayout plan) {
      this.device = device;
      this.context = ParallelContext.create(new RankGrid(dims), factory);
      int stage = context.coordinate(Axis.PP);
      List<ParameterSpec> specs =
          List.of(
              rows(TIED, 20 * 10),
              ParameterSpec.whole("norm" + stage, Shape.of(7), 1, false, ofNorms()),
              rows("matrix" + stage, 6 * 20));
      this.parameters =
          ParameterBuffers.allocate(specs, plan, device.scope(), DType.F32, DType.F32);
      device.kernels().elementwise().fill(parameters.values(), 0);
      device.kernels().elementwise().fill(parameters.grads(), 0);
      TiedParameters tied = new TiedParameters(List.of(parameters.get(TIED)), context.embedding());
      this.data = new DataParallel(config, parameters, context, tied);
    }

    /** Split over tp. */
    private ParameterSpec rows(String name, long size) {
      int tp = context.dims().tp();
      long own = size / tp;
      Slice slice = new Slice(name, Shape.of(size, 1), own, own * context.tp().rank(), 0);
      return new ParameterSpec(name, Shape.of(own, 1), List.of(slice), 1, true, Sharing.SHARDED);
    }

    private Sharing ofNorms() {
      return context.dims().sequenceParallel() ? Sharing.COPIED_PARTIAL_GRADIENT : Sharing.COPIED;
    }

    List<ParameterSlice> ownedParts() {
      return data.shard().owned().stream()
          .flatMap(owned -> parameters.partsIn(owned.range()).stream())
          .toList();
    }

    void fillGradients(double value) {
      for (Parameter parameter : parameters.all()) {
        device.kernels().elementwise().fill(parameter.grad(), value);
      }
    }
  }
}
