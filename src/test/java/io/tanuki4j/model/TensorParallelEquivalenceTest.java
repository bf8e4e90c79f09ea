package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelRanks.Found;
import io.tanuki4j.model.TestModels.Family;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.tensor.DType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tensor-parallel ranks against one rank: a tiny model, in fp64. */
class TensorParallelEquivalenceTest {
  private static final int NUM_LAYERS = 4;
  private static final int NUM_MICROBATCHES = 4;

  /** Sums over ranks are made in another order. */
  private static final double FP64 = 1e-11;

  @ParameterizedTest(name = "tp {0}, pp {1} x {2} chunks, sequence parallel {3}, tied {4}")
  @CsvSource({
    // tp, pp, chunks, sequence parallel, tied, z-loss
    "2, 1, 1, false, false, 0",
    "2, 1, 1, true,  false, 0",
    "2, 1, 1, true,  true,  0.01",
    "4, 1, 1, false, true,  0",
    "4, 1, 1, true,  false, 0.01",
    "2, 2, 1, false, true,  0.01",
    "2, 2, 1, true,  false, 0",
    "2, 2, 2, true,  true,  0",
    "4, 2, 1, true,  true,  0.01",
    "1, 2, 1, true,  true,  0",
  })
  void ranks_have_the_losses_and_gradients_of_one(
      int tp, int pp, int chunks, boolean sequenceParallel, boolean tied, double zLoss) {
    ModelConfig config = new TestConfig(tied, 1, zLoss, Recompute.NONE).divisible(NUM_LAYERS);
    check(config, new ParallelDims(tp, 1, 1, pp, 1, sequenceParallel), chunks);
  }

  @ParameterizedTest(name = "{0}: tp {1}, pp {2} x {3} chunks, sequence parallel {4}")
  @CsvSource({
    "QWEN2, 2, 1, 1, false",
    "QWEN2, 4, 1, 1, true",
    "QWEN3, 2, 1, 1, false",
    "QWEN3, 4, 1, 1, true",
    "QWEN3, 2, 2, 1, true",
    "GPT,   2, 1, 1, false",
    "GPT,   4, 1, 1, true",
    "GPT,   2, 2, 2, true",
    "GPT,   1, 2, 1, false",
    "MIXED, 2, 1, 1, false",
    "MIXED, 4, 2, 1, true",
  })
  void so_they_have_in_other_families(
      Family family, int tp, int pp, int chunks, boolean sequenceParallel) {
    for (boolean tied : new boolean[] {false, true}) {
      ModelConfig config =
          new TestConfig(tied, 1, 0.01, Recompute.NONE, family).divisible(NUM_LAYERS);
      check(config, new ParallelDims(tp, 1, 1, pp, 1, sequenceParallel), chunks);
    }
  }

  @ParameterizedTest(name = "{0} {1}, sequence parallel {2}")
  @CsvSource({
    "SELECTIVE, 0, false",
    "SELECTIVE, 0, true",
    "FULL_UNIFORM, 1, true",
    "FULL_UNIFORM, 2, false",
    "FULL_BLOCK, 1, true",
  })
  void layers_that_communicate_can_be_computed_again(
      Granularity granularity, int numLayers, boolean sequenceParallel) {
    Recompute recompute = new Recompute(granularity, numLayers);
    ModelConfig config = new TestConfig(false, 1, 0, recompute).divisible(NUM_LAYERS);
    check(config, new ParallelDims(2, 1, 1, 1, 1, sequenceParallel), 1);
  }

  private static void check(ModelConfig config, ParallelDims dims, int chunks) {
    ModelRanks ranks = new ModelRanks(config, DType.F64, NUM_MICROBATCHES);
    StageLayers layers = StageLayers.even(NUM_LAYERS, dims.pp(), chunks);
    Found expected = ranks.alone();
    List<Found> found = ranks.run(dims, layers);
    for (Found rank : found) {
      assertThat(rank.trained()).containsExactly(expected.trained(), within(FP64));
      assertThat(rank.evaluated()).containsExactly(expected.evaluated(), within(FP64));
    }
    Map<String, double[]> gradients = gathered(found);
    Map<String, double[]> expectedGradients = gathered(List.of(expected));
    assertThat(gradients).containsOnlyKeys(expectedGradients.keySet());
    gradients.forEach(
        (name, values) ->
            assertThat(values).as(name).containsExactly(expectedGradients.get(name), within(FP64)));
  }

  private static Map<String, double[]> gathered(List<Found> ranks) {
    GlobalTensors tensors = new GlobalTensors();
    ranks.forEach(rank -> rank.gradients().forEach(tensors::put));
    return tensors.all();
  }
}
