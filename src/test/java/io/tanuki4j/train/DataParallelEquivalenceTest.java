package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.config.Precision;
import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.model.ModelBuilder;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.model.TestModels;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.optim.Rates;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.parallel.DataParallelConfig;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.context.SequenceSharding;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.parallel.pipeline.PipelineSchedule;
import io.tanuki4j.parallel.pipeline.PipelineStage;
import io.tanuki4j.tensor.DType;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Replicas that share the samples against one rank that has all: three whole iterations. */
class DataParallelEquivalenceTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int NUM_LAYERS = 4;
  private static final int SEQ_LENGTH = 5;
  private static final int VOCAB_SIZE = 13;
  private static final int GLOBAL_BATCH = 12;
  private static final double RATE = 1e-3;

  /** Gradients are summed in another order; an update is a rate long whatever its gradient. */
  private static final double FP32 = 1e-6;

  /** Weights of BF16 that are rounded to the other side (2^-8 of a weight of about 1). */
  private static final double BF16 = 8e-3;

  private static final Precision MIXED =
      new Precision(DType.BF16, DType.F32, StateTypes.wide(DType.BF16));
  private static final Precision NARROW =
      new Precision(DType.BF16, DType.BF16, new StateTypes(DType.BF16, DType.BF16, DType.BF16));

  /**
   * How a run is spread.
   *
   * @param chunks of each stage
   */
  private record Spread(int dp, int pp, int chunks, DataParallelConfig config) {
    static final Spread ONE_RANK = new Spread(1, 1, 1, DataParallelConfig.PLAIN);

    StageLayers layers() {
      return StageLayers.even(NUM_LAYERS, pp, chunks);
    }
  }

  /** What is trained, the same on any number of ranks. */
  private record Run(ModelConfig model, Precision precision, double clip, boolean masks) {}

  /** What a rank found. */
  private record Found(
      List<StepResult> steps,
      double validation,
      double paramsNorm,
      long numZeros,
      Map<String, double[]> weights) {}

  @ParameterizedTest
  @CsvSource({
    // dp, pp, chunks, distributed, overlap, bucket, tied, recompute
    "2, 1, 1, false, false,     , false, false",
    "2, 1, 1, true,  false,     , true,  false",
    "4, 1, 1, true,  true,      , true,  true",
    "4, 1, 1, false, true,   200, true,  false",
    "3, 1, 1, true,  true,   100, false, true",
    "2, 1, 1, true,  true,     1, false, false",
    "2, 2, 1, false, true,   150, true,  false",
    "2, 2, 1, true,  false,     , true,  false",
    "2, 2, 2, true,  true,   150, true,  true",
    "3, 2, 2, true,  true,     1, false, false",
  })
  void replicas_train_as_one_rank_does(
      int dp,
      int pp,
      int chunks,
      boolean distributed,
      boolean overlap,
      @Nullable Integer bucket,
      boolean tied,
      boolean recompute) {
    DataParallelConfig config =
        new DataParallelConfig(distributed, overlap, distributed && overlap, false, bucket);
    Run run = new Run(model(tied, recompute), Precision.FP32, 0.5, true);
    check(run, new Spread(dp, pp, chunks, config), FP32);
  }

  @ParameterizedTest
  @CsvSource({"2, true", "4, false"})
  void replicas_train_in_bf16_up_to_its_rounding(int dp, boolean distributed) {
    DataParallelConfig config = new DataParallelConfig(distributed, true, distributed, false, 200);
    Run run = new Run(model(true, false), MIXED, 0.5, false);
    check(run, new Spread(dp, 1, 1, config), BF16);
  }

  /** Without a clip factor, whose last bit depends on the order of its sum. */
  @Test
  void shards_buckets_and_overlap_change_no_bit() {
    for (Precision precision : List.of(MIXED, NARROW)) {
      Run run = new Run(model(false, false), precision, 0, true);
      Map<String, double[]> plain = train(run, 2, DataParallelConfig.PLAIN);
      assertThat(train(run, 2, new DataParallelConfig(true, false, false, false, null)))
          .usingRecursiveComparison()
          .isEqualTo(plain);
      assertThat(train(run, 2, new DataParallelConfig(false, true, false, false, 300)))
          .usingRecursiveComparison()
          .isEqualTo(plain);
      assertThat(train(run, 2, new DataParallelConfig(true, true, true, false, 1)))
          .usingRecursiveComparison()
          .isEqualTo(plain);
    }
  }

  private static Map<String, double[]> train(Run run, int dp, DataParallelConfig config) {
    return run(run, new Spread(dp, 1, 1, config)).get(0).weights();
  }

  private static void check(Run run, Spread spread, double tolerance) {
    Found expected = run(run, Spread.ONE_RANK).get(0);
    List<Found> found = run(run, spread);
    Map<String, double[]> weights = new HashMap<>();
    for (Found rank : found) {
      assertThat(rank.steps()).isEqualTo(found.get(0).steps());
      for (int i = 0; i < expected.steps().size(); i++) {
        StepResult step = rank.steps().get(i);
        StepResult one = expected.steps().get(i);
        assertThat(step.loss().lm()).isEqualTo(one.loss().lm(), within(tolerance));
        assertThat(step.loss().z()).isEqualTo(one.loss().z(), within(tolerance));
        assertThat(step.gradNorm()).isEqualTo(one.gradNorm(), within(tolerance * 10));
      }
      assertThat(rank.validation()).isEqualTo(expected.validation(), within(tolerance));
      assertThat(rank.paramsNorm()).isEqualTo(expected.paramsNorm(), within(tolerance * 10));
      assertThat(rank.numZeros()).isEqualTo(expected.numZeros());
      rank.weights()
          .forEach(
              (name, values) ->
                  assertThat(values)
                      .as(name)
                      .isEqualTo(weights.computeIfAbsent(name, key -> values)));
    }
    assertThat(weights).containsOnlyKeys(expected.weights().keySet());
    weights.forEach(
        (name, values) ->
            assertThat(values)
                .as(name)
                .containsExactly(expected.weights().get(name), within(tolerance)));
  }

  private static List<Found> run(Run run, Spread spread) {
    ParallelDims dims = new ParallelDims(1, 1, spread.dp(), spread.pp(), spread.chunks(), false);
    Map<Integer, Found> found = new ConcurrentHashMap<>();
    RankThreads.run(
        dims.worldSize(),
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice(new CpuBackend(1));
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            ParallelContext context = ParallelContext.create(new RankGrid(dims), factory);
            found.put(seat.globalRank(), train(run, spread, device, context));
          }
        });
    return List.copyOf(new TreeMap<>(found).values());
  }

  private static Found train(Run run, Spread spread, TestDevice device, ParallelContext context) {
    ParameterBuffers parameters =
        ParameterBuffers.allocate(
            ModelParameters.specs(
                run.model(), spread.layers(), context.grid(), context.globalRank()),
            spread
                .config()
                .bucketPlan(context.dpCp().size(), Set.of(ModelParameters.EMBEDDING), Set.of()),
            device.scope(),
            run.precision().compute(),
            run.precision().gradients());
    new Initializer(device.kernels(), 5).initialize(parameters);
    PipelineStage<?> stage =
        new ModelBuilder(run.model(), context, device.device(), parameters, device.scope())
            .stage(spread.layers(), 1);
    DataParallel data = new DataParallel(spread.config(), parameters, context, stage.tied());
    AdamW optimizer =
        new AdamW(
            new OptimizerConfig(0.9, 0.95, 1e-8, run.clip()),
            run.precision().state(),
            data.shard(),
            device.kernels(),
            device.scope());
    MicrobatchTokens tokens = new MicrobatchTokens(SEQ_LENGTH, 1, SequenceSharding.of(context));
    try (MicrobatchRunner<?> runner =
        new MicrobatchRunner<>(
            device.device(),
            stage,
            PipelineSchedule.forTraining(stage.chunks().size()),
            tokens,
            0)) {
      return new Rank(run.masks(), device, runner, data, optimizer, parameters)
          .train(context.dp().rank(), context.dp().size());
    }
  }

  /** What one rank trains with. */
  private record Rank(
      boolean masks,
      TestDevice device,
      MicrobatchRunner<?> runner,
      DataParallel data,
      AdamW optimizer,
      ParameterBuffers parameters) {

    Found train(int dpRank, int dpSize) {
      TrainStep step = new TrainStep(device.device(), runner, data, optimizer, device.scope());
      Evaluator evaluator = new Evaluator(device.device(), runner, data, device.scope());
      ParameterStatistics statistics =
          new ParameterStatistics(device.device(), data, device.scope());
      BatchSource source = new RandomSamples(masks, dpRank, dpSize);
      int numMicrobatches = GLOBAL_BATCH / dpSize;
      for (int i = 0; i < 3; i++) {
        step.run(source, numMicrobatches, Rates.of(RATE, 0.1));
      }
      double validation =
          evaluator.run(source, 1, numMicrobatches, batch -> true).orElseThrow().lm();
      step.run(source, numMicrobatches, Rates.of(RATE, 0.1));
      double norm = statistics.paramsNorm();
      Map<String, double[]> weights = new HashMap<>();
      for (Parameter parameter : parameters.all()) {
        weights.put(parameter.name(), device.read(parameter.value()));
      }
      return new Found(step.takeResults(), validation, norm, statistics.numZeros(), weights);
    }
  }

  /** Sample k is a function of k. */
  private static final class RandomSamples implements BatchSource {
    private final boolean masks;
    private final int dpRank;
    private final int dpSize;
    private long consumed;

    RandomSamples(boolean masks, int dpRank, int dpSize) {
      this.masks = masks;
      this.dpRank = dpRank;
      this.dpSize = dpSize;
    }

    @Override
    public TokenBatch next() {
      Random random = new Random(consumed + dpRank);
      consumed += dpSize;
      int[] ids = random.ints(SEQ_LENGTH + 1, 0, VOCAB_SIZE - 2).toArray();
      float[] mask = new float[SEQ_LENGTH];
      for (int i = 0; i < SEQ_LENGTH; i++) {
        mask[i] = masks && random.nextInt(3) == 0 ? 0 : 1;
      }
      return new TokenBatch(
          SEQ_LENGTH,
          1,
          Arrays.copyOf(ids, SEQ_LENGTH),
          Arrays.copyOfRange(ids, 1, SEQ_LENGTH + 1),
          mask);
    }

    @Override
    public boolean masksTokens() {
      return masks;
    }

    @Override
    public long consumedSamples() {
      return consumed;
    }

    @Override
    public long numSamples() {
      return Long.MAX_VALUE;
    }

    @Override
    public void close() {}
  }

  private static ModelConfig model(boolean tied, boolean recompute) {
    return TestModels.llama(
        new Sizes(NUM_LAYERS, 8, 12, VOCAB_SIZE, SEQ_LENGTH, SEQ_LENGTH),
        new Attention(2, 1, 4),
        tied,
        new Training(
            0.4, 1e-3, recompute ? new Recompute(Granularity.FULL_UNIFORM, 2) : Recompute.NONE));
  }
}
