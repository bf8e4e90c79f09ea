package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.model.ModelBuilder;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.model.TestModels;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.TestDevice;
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
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MicrobatchRunnerTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int SEQ_LENGTH = 6;
  private static final int VOCAB_SIZE = 11;
  private static final int NUM_MICROBATCHES = 4;

  /** The gradient of tied embeddings is summed in another order. */
  private static final double FP32 = 1e-6;

  private static final ModelConfig MODEL =
      TestModels.llama(
          new Sizes(2, 8, 12, VOCAB_SIZE, SEQ_LENGTH, SEQ_LENGTH),
          new Attention(2, 1, 4),
          true,
          new Training(0.4, 0, Recompute.NONE));

  /** Losses of training and evaluation, and the gradient of the tied embeddings. */
  private record Found(double[] trained, double[] evaluated, double[] gradient) {}

  @Test
  void both_stages_know_the_losses_and_the_gradient_of_tied_embeddings() {
    Found expected = run(1).get(0);
    List<Found> found = run(2);
    for (int stage = 0; stage < 2; stage++) {
      assertThat(found.get(stage).trained()).containsExactly(expected.trained());
      assertThat(found.get(stage).evaluated()).containsExactly(expected.evaluated());
      assertThat(found.get(stage).gradient()).containsExactly(expected.gradient(), within(FP32));
    }
    assertThat(found.get(0).gradient()).containsExactly(found.get(1).gradient());
  }

  @Test
  void a_batch_of_another_shape_is_a_broken_invariant() {
    TokenBatch longer = new TokenBatch(3, 1, new int[3], new int[3], new float[3]);
    try (TinyRun run = new TinyRun(new TinyRun.Settings());
        MicrobatchRunner<?> runner =
            new MicrobatchRunner<>(
                run.device, new QuadraticChunk(run.device, run.parameters), 2, 1, 0)) {
      Tensor sums = run.parameters.values();
      assertThatThrownBy(() -> runner.train(List.of(longer), batch -> 1, sums, run.data))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("a micro-batch of 1 sequences of 3 tokens (expected: 1 of 2)");
    }
  }

  private static List<Found> run(int numStages) {
    Map<Integer, Found> found = new ConcurrentHashMap<>();
    StageLayers layers = StageLayers.even(MODEL.sizes().numLayers(), numStages, 1);
    RankThreads.run(
        numStages,
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice();
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            RankGrid grid = new RankGrid(ParallelDims.of(1, 1, 1, numStages));
            ParallelContext context = ParallelContext.create(grid, factory);
            found.put(seat.globalRank(), run(device, layers, context));
          }
        });
    return List.copyOf(new TreeMap<>(found).values());
  }

  private static Found run(TestDevice device, StageLayers layers, ParallelContext context) {
    ParameterBuffers parameters =
        ParameterBuffers.allocate(
            ModelParameters.specs(MODEL, layers, context.grid(), context.globalRank()),
            DataParallelConfig.PLAIN.bucketPlan(1, Set.of(ModelParameters.EMBEDDING), Set.of()),
            device.scope(),
            DType.F32,
            DType.F32);
    new Initializer(device.kernels(), 3).initialize(parameters);
    ModelBuilder builder =
        new ModelBuilder(MODEL, context, device.device(), parameters, device.scope());
    Tensor sums = device.scope().allocate(Shape.of(LossKernels.NUM_SUMS), DType.F64);
    MicrobatchTokens tokens = new MicrobatchTokens(SEQ_LENGTH, 1, SequenceSharding.of(context));
    PipelineStage<?> stage = builder.stage(layers, 1);
    DataParallel data =
        new DataParallel(DataParallelConfig.PLAIN, parameters, context, stage.tied());
    try (MicrobatchRunner<?> runner =
        new MicrobatchRunner<>(
            device.device(),
            stage,
            PipelineSchedule.forTraining(stage.chunks().size()),
            tokens,
            0)) {
      double scale = 1.0 / (NUM_MICROBATCHES * SEQ_LENGTH);
      double[] trained =
          losses(device, data, sums, () -> runner.train(batches(), batch -> scale, sums, data));
      data.finishGradients();
      double[] gradient = device.read(parameters.get(ModelParameters.EMBEDDING).grad());
      double[] evaluated = losses(device, data, sums, () -> runner.evaluate(batches(), sums));
      return new Found(trained, evaluated, gradient);
    }
  }

  private static double[] losses(TestDevice device, DataParallel data, Tensor sums, Runnable work) {
    device.kernels().elementwise().fill(sums, 0);
    work.run();
    data.sumLosses(sums);
    return device.read(sums);
  }

  private static List<TokenBatch> batches() {
    return IntStream.range(0, NUM_MICROBATCHES).mapToObj(MicrobatchRunnerTest::batch).toList();
  }

  private static TokenBatch batch(int seed) {
    Random random = new Random(seed);
    int[] ids = random.ints(SEQ_LENGTH + 1, 0, VOCAB_SIZE).toArray();
    float[] mask = new float[SEQ_LENGTH];
    Arrays.fill(mask, 1);
    return new TokenBatch(
        SEQ_LENGTH,
        1,
        Arrays.copyOf(ids, SEQ_LENGTH),
        Arrays.copyOfRange(ids, 1, SEQ_LENGTH + 1),
        mask);
  }
}
