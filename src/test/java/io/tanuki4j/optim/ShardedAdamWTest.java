package io.tanuki4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.DataParallelConfig;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.parallel.pipeline.TiedParameters;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** AdamW whose state is split over the ranks, against one rank. */
class ShardedAdamWTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final long SEED = 3;
  private static final List<ParameterSpec> SPECS =
      List.of(
          ParameterSpec.whole("a", Shape.of(7, 11), 1, true),
          ParameterSpec.whole("n", Shape.of(11), 1, false),
          ParameterSpec.whole("b", Shape.of(300, 3), 1, true),
          ParameterSpec.whole("m", Shape.of(200), 1, false));
  private static final StateTypes NARROW = new StateTypes(DType.BF16, DType.BF16, DType.BF16);

  /** Gradients are the same on every rank here, so only the way of updating differs. */
  @ParameterizedTest
  @CsvSource({
    // ranks, elements of a bucket, whether all state is BF16
    "2, 1, false",
    "3, 200, false",
    "4, 1000000, false",
    "2, 200, true",
    "3, 1, true",
  })
  void shards_are_updated_as_the_whole_is_bit_by_bit(
      int numRanks, int bucketElements, boolean narrow) {
    Map<String, double[]> expected = new HashMap<>();
    run(1, DataParallelConfig.PLAIN, narrow, rank -> expected.putAll(rank.train()));
    DataParallelConfig config = new DataParallelConfig(true, true, true, false, bucketElements);
    Map<Integer, Map<String, double[]>> found = new ConcurrentHashMap<>();
    run(numRanks, config, narrow, rank -> found.put(rank.context.globalRank(), rank.train()));
    assertThat(found).hasSize(numRanks);
    for (Map<String, double[]> weights : found.values()) {
      weights.forEach((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void the_norm_is_that_of_the_whole_model(int numRanks) {
    run(
        numRanks,
        new DataParallelConfig(true, false, false, false, null),
        false,
        rank -> {
          rank.data.shard().owned().forEach(part -> rank.fillGradient(part.range(), 0.5));
          rank.optimizer.step(Rates.of(0, 0), rank.norm);
          long numElements = 7 * 11 + 11 + 300 * 3 + 200;
          assertThat(rank.device.read(rank.norm)[0])
              .isEqualTo(Math.sqrt(numElements * 0.25), within(1e-12));
        });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_number_that_is_not_finite_stops_the_update_on_every_rank(boolean distributed) {
    run(
        3,
        new DataParallelConfig(distributed, false, false, false, null),
        false,
        rank -> {
          rank.data.shard().owned().forEach(part -> rank.fillGradient(part.range(), 0.5));
          if (!distributed || rank.context.globalRank() == 1) {
            FlatRange own = rank.data.shard().owned().get(0).range();
            rank.fillGradient(new FlatRange(own.from(), own.from() + 1), Double.NaN);
          }
          double[] before = rank.device.read(rank.parameters.values());
          rank.optimizer.step(Rates.of(1, 0.1), rank.norm);
          rank.data.shareWeights();
          rank.data.awaitWeights();
          assertThat(rank.device.read(rank.norm)[0]).isNaN();
          assertThat(rank.device.read(rank.parameters.values())).isEqualTo(before);
        });
  }

  @Test
  void the_ranks_together_have_the_state_of_every_element_once() {
    Map<String, BitSet> seen = new HashMap<>();
    run(
        3,
        new DataParallelConfig(true, true, false, false, 100),
        false,
        rank ->
            rank.optimizer.visitState(
                (kind, part, state) -> {
                  assertThat(state.shape()).isEqualTo(Shape.of(part.range().size()));
                  mark(seen, kind + part.parameter().name(), part.first(), state.numElements());
                }));
    assertThat(seen).hasSize(3 * SPECS.size());
    for (ParameterSpec spec : SPECS) {
      int size = (int) spec.shape().numElements();
      for (String kind : List.of(AdamW.FIRST_MOMENT, AdamW.SECOND_MOMENT, AdamW.MASTER)) {
        assertThat(seen)
            .hasEntrySatisfying(
                kind + spec.name(), elements -> assertThat(elements.cardinality()).isEqualTo(size));
      }
    }
  }

  private static synchronized void mark(
      Map<String, BitSet> seen, String name, long first, long count) {
    BitSet elements = seen.computeIfAbsent(name, key -> new BitSet());
    for (int i = (int) first; i < first + count; i++) {
      assertThat(elements.get(i)).as(name + " " + i).isFalse();
      elements.set(i);
    }
  }

  /** Values, gradients, and 12 bytes for each element of the own shard; nothing is taken later. */
  @Test
  void nothing_is_in_memory_twice() {
    int numRanks = 4;
    run(
        numRanks,
        new DataParallelConfig(true, true, true, false, 100),
        false,
        rank -> {
          long elements = rank.parameters.values().numElements();
          assertThat(rank.data.shard().size()).isEqualTo(elements / numRanks);
          long expected = elements * (2 + 4) + elements / numRanks * 12;
          long held = rank.device.device().bytesInUse();
          long numbers = 3 * 64; // norm, sum of squares, factor
          assertThat(rank.device.scope().bytesInUse()).isBetween(expected, expected + numbers);
          rank.train();
          assertThat(rank.device.device().bytesInUse()).isEqualTo(held);
        });
  }

  private static void run(
      int numRanks, DataParallelConfig config, boolean narrow, Consumer<Rank> body) {
    RankThreads.run(
        numRanks,
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice(new CpuBackend(1));
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            RankGrid grid = new RankGrid(ParallelDims.of(1, 1, numRanks, 1));
            body.accept(new Rank(device, ParallelContext.create(grid, factory), config, narrow));
          }
        });
  }

  private static final class Rank {
    final TestDevice device;
    final ParallelContext context;
    final ParameterBuffers parameters;
    final DataParallel data;
    final Tensor norm;
    final AdamW optimizer;

    Rank(TestDevice device, ParallelContext context, DataParallelConfig config, boolean narrow) {
      this.device = device;
      this.context = context;
      this.parameters =
          ParameterBuffers.allocate(
              SPECS,
              config.bucketPlan(context.dpCp().size(), Set.of(), Set.of()),
              device.scope(),
              DType.BF16,
              DType.F32);
      new Initializer(device.kernels(), SEED).initialize(parameters);
      TiedParameters none = new TiedParameters(List.of(), context.embedding());
      this.data = new DataParallel(config, parameters, context, none);
      this.norm = device.scope().allocate(Shape.of(1), DType.F64);
      this.optimizer =
          new AdamW(
              new OptimizerConfig(0.9, 0.95, 1e-8, 0),
              narrow ? NARROW : StateTypes.wide(DType.BF16),
              data.shard(),
              device.kernels(),
              device.scope());
    }

    /** Three updates; the weights by name. */
    Map<String, double[]> train() {
      for (int i = 1; i <= 3; i++) {
        for (var parameter : parameters.all()) {
          double[] gradient = new double[(int) parameter.grad().numElements()];
          Random random = new Random(parameter.name().hashCode() + i);
          Arrays.setAll(gradient, j -> random.nextGaussian());
          device.write(parameter.grad(), gradient);
        }
        optimizer.step(Rates.of(0.01, 0.1), norm);
        data.shareWeights();
        data.awaitWeights();
      }
      Map<String, double[]> weights = new HashMap<>();
      parameters.all().forEach(one -> weights.put(one.name(), device.read(one.value())));
      return weights;
    }

    void fillGradient(FlatRange range, double value) {
      parameters
          .partsIn(range)
          .forEach(
              part ->
                  device.kernels().elementwise().fill(part.range().of(parameters.grads()), value));
    }
  }
}
