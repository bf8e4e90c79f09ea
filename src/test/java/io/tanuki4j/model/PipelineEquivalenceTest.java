package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.pipeline.MicrobatchInputs;
import io.tanuki4j.parallel.pipeline.PipelineExecutor;
import io.tanuki4j.parallel.pipeline.PipelineSchedule;
import io.tanuki4j.parallel.pipeline.PipelineStage;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A pipeline against one stage: ranks are threads, the model is tiny, everything in fp32. */
class PipelineEquivalenceTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int NUM_LAYERS = 8;
  private static final int MICRO_BATCH_SIZE = 2;
  private static final long SEED = 7;

  /** The second iteration takes recorded work, the third replays it again. */
  private static final int NUM_ITERATIONS = 3;

  /** Gradients of tied embeddings are summed in another order. */
  private static final double FP32 = 1e-5;

  /** What a run found; losses of training and of evaluation, and gradients by name. */
  private record Found(double[] trained, double[] evaluated, Map<String, double[]> gradients) {}

  @ParameterizedTest
  @CsvSource({
    // stages, chunks, micro-batches
    "2, 1, 1",
    "2, 1, 5",
    "4, 1, 3",
    "4, 1, 8",
    "2, 2, 4",
    "2, 4, 2",
    "4, 2, 8",
    "8, 1, 2",
  })
  void a_pipeline_has_the_losses_and_gradients_of_one_stage(
      int numStages, int numChunks, int numMicrobatches) {
    ModelConfig config = config(false);
    StageLayers layers = StageLayers.even(NUM_LAYERS, numStages, numChunks);
    Found expected = oneStage(config, numMicrobatches);
    List<Found> found = run(config, layers, numMicrobatches);
    Map<String, double[]> gradients = new HashMap<>();
    for (Found stage : found) {
      assertThat(stage.trained()).containsExactly(expected.trained());
      assertThat(stage.evaluated()).containsExactly(expected.evaluated());
      stage.gradients().forEach((name, values) -> assertThat(gradients.put(name, values)).isNull());
    }
    assertThat(gradients).containsOnlyKeys(expected.gradients().keySet());
    gradients.forEach(
        (name, values) ->
            assertThat(values).as(name).containsExactly(expected.gradients().get(name)));
  }

  @ParameterizedTest
  @CsvSource({"2, 1, 3", "4, 2, 4"})
  void tied_embeddings_get_the_gradient_of_both_ends(
      int numStages, int numChunks, int numMicrobatches) {
    ModelConfig config = config(true);
    StageLayers layers = StageLayers.even(NUM_LAYERS, numStages, numChunks);
    double[] expected =
        oneStage(config, numMicrobatches).gradients().get(ModelParameters.EMBEDDING);
    List<Found> found = run(config, layers, numMicrobatches);
    for (Found end : List.of(found.get(0), found.get(numStages - 1))) {
      double[] gradient = end.gradients().get(ModelParameters.EMBEDDING);
      assertThat(gradient).containsExactly(expected, within(FP32));
    }
    assertThat(found.get(0).gradients().get(ModelParameters.EMBEDDING))
        .containsExactly(found.get(numStages - 1).gradients().get(ModelParameters.EMBEDDING));
  }

  @ParameterizedTest
  @CsvSource({"1 3 4", "3 3 2", "4 1 1 2"})
  void stages_may_have_different_numbers_of_layers(String counts) {
    List<Integer> layersOfStage =
        List.of(counts.split(" ", -1)).stream().map(Integer::valueOf).toList();
    ModelConfig config = config(false);
    StageLayers layers = new StageLayers(layersOfStage.size(), layersOfStage);
    Found expected = oneStage(config, 4);
    for (Found stage : run(config, layers, 4)) {
      assertThat(stage.trained()).containsExactly(expected.trained());
      stage
          .gradients()
          .forEach(
              (name, values) ->
                  assertThat(values).as(name).containsExactly(expected.gradients().get(name)));
    }
  }

  private static Found oneStage(ModelConfig config, int numMicrobatches) {
    return run(config, StageLayers.even(NUM_LAYERS, 1, 1), numMicrobatches).get(0);
  }

  /** What each stage found. */
  private static List<Found> run(ModelConfig config, StageLayers layers, int numMicrobatches) {
    Map<Integer, Found> found = new ConcurrentHashMap<>();
    int numStages = layers.numStages();
    RankThreads.run(
        numStages,
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice();
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            RankGrid grid = new RankGrid(ParallelDims.of(1, 1, 1, numStages));
            Rank rank = new Rank(device, config, layers, ParallelContext.create(grid, factory));
            found.put(seat.globalRank(), rank.run(numMicrobatches));
          }
        });
    return List.copyOf(new TreeMap<>(found).values());
  }

  /** One stage. */
  private static final class Rank {
    private final TestDevice device;
    private final ParameterBuffers parameters;
    private final PipelineStage<GptChunk.Saved> stage;
    private final Tensor lossSums;

    Rank(TestDevice device, ModelConfig config, StageLayers layers, ParallelContext context) {
      this.device = device;
      this.parameters =
          ParameterBuffers.allocate(
              ModelParameters.specs(config, layers, context.grid(), context.globalRank()),
              device.scope(),
              DType.F32,
              DType.F32);
      new Initializer(device.kernels(), SEED).initialize(parameters);
      this.stage =
          new ModelBuilder(config, context, device.device(), parameters, device.scope())
              .stage(layers, MICRO_BATCH_SIZE);
      this.lossSums = device.scope().allocate(Shape.of(LossKernels.NUM_SUMS), DType.F64);
    }

    Found run(int numMicrobatches) {
      Shape tokens = Shape.of(TestConfig.SEQ_LENGTH, MICRO_BATCH_SIZE);
      PipelineSchedule schedule = PipelineSchedule.forTraining(stage.chunks().size());
      try (PipelineExecutor<GptChunk.Saved> executor =
          new PipelineExecutor<>(device.device(), stage, schedule, tokens, 0)) {
        device.write(executor.gradScale(), 1.0 / (numMicrobatches * tokens.numElements()));
        double[] trained = {};
        double[] evaluated = {};
        for (int i = 0; i < NUM_ITERATIONS; i++) {
          evaluated = losses(() -> executor.evaluate(numMicrobatches, this::load, lossSums));
          device.kernels().fill(parameters.grads(), 0);
          trained = losses(() -> executor.train(numMicrobatches, this::load, lossSums));
          stage.tied().sumGradients();
        }
        Map<String, double[]> gradients = new HashMap<>();
        for (Parameter parameter : parameters.all()) {
          gradients.put(parameter.name(), device.read(parameter.grad()));
        }
        return new Found(trained, evaluated, gradients);
      }
    }

    private double[] losses(Runnable work) {
      device.kernels().fill(lossSums, 0);
      work.run();
      stage.group().allReduce(lossSums, ReduceOp.SUM).await();
      return device.read(lossSums);
    }

    private void load(int microbatch, MicrobatchInputs into) {
      Random random = new Random(microbatch);
      int count = TestConfig.SEQ_LENGTH * MICRO_BATCH_SIZE;
      double[] ids = random.ints(count, 0, TestConfig.VOCAB_SIZE).asDoubleStream().toArray();
      double[] next = random.ints(count, 0, TestConfig.VOCAB_SIZE).asDoubleStream().toArray();
      device.write(into.tokens(), ids);
      device.write(into.targets(), next);
      device.write(into.lossMask(), random.ints(count, 0, 2).asDoubleStream().toArray());
    }
  }

  private static ModelConfig config(boolean tied) {
    return new TestConfig(tied, 1, 0, Recompute.NONE).config(NUM_LAYERS);
  }
}
