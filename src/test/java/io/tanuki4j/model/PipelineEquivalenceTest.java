package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelRanks.Found;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.tensor.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A pipeline against one stage: ranks are threads, the model is tiny, everything in fp32. */
class PipelineEquivalenceTest {
  private static final int NUM_LAYERS = 8;

  /** Gradients of tied embeddings are summed in another order. */
  private static final double FP32 = 1e-5;

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
    Map<ParameterSpec, double[]> gradients = new HashMap<>();
    for (Found stage : found) {
      assertThat(stage.trained()).containsExactly(expected.trained());
      assertThat(stage.evaluated()).containsExactly(expected.evaluated());
      stage.gradients().forEach((spec, values) -> assertThat(gradients.put(spec, values)).isNull());
    }
    assertThat(gradients).containsOnlyKeys(expected.gradients().keySet());
    gradients.forEach(
        (spec, values) ->
            assertThat(values).as(spec.name()).containsExactly(expected.gradients().get(spec)));
  }

  @ParameterizedTest
  @CsvSource({"2, 1, 3", "4, 2, 4"})
  void tied_embeddings_get_the_gradient_of_both_ends(
      int numStages, int numChunks, int numMicrobatches) {
    ModelConfig config = config(true);
    StageLayers layers = StageLayers.even(NUM_LAYERS, numStages, numChunks);
    double[] expected = oneStage(config, numMicrobatches).gradient(ModelParameters.EMBEDDING);
    List<Found> found = run(config, layers, numMicrobatches);
    for (Found end : List.of(found.get(0), found.get(numStages - 1))) {
      double[] gradient = end.gradient(ModelParameters.EMBEDDING);
      assertThat(gradient).containsExactly(expected, within(FP32));
    }
    assertThat(found.get(0).gradient(ModelParameters.EMBEDDING))
        .containsExactly(found.get(numStages - 1).gradient(ModelParameters.EMBEDDING));
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
              (spec, values) ->
                  assertThat(values)
                      .as(spec.name())
                      .containsExactly(expected.gradients().get(spec)));
    }
  }

  private static Found oneStage(ModelConfig config, int numMicrobatches) {
    return new ModelRanks(config, DType.F32, numMicrobatches).alone();
  }

  /** What each stage found. */
  private static List<Found> run(ModelConfig config, StageLayers layers, int numMicrobatches) {
    ParallelDims dims = ParallelDims.of(1, 1, 1, layers.numStages());
    return new ModelRanks(config, DType.F32, numMicrobatches).run(dims, layers);
  }

  private static ModelConfig config(boolean tied) {
    return new TestConfig(tied, 1, 0, Recompute.NONE).config(NUM_LAYERS);
  }
}
