package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelRanks.Found;
import io.tanuki4j.model.TestModels.Family;
import io.tanuki4j.parallel.ContextCommunication;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.tensor.DType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ranks that share sequences against one rank: a tiny model. */
class ContextParallelEquivalenceTest {
  private static final int NUM_LAYERS = 4;
  private static final int NUM_MICROBATCHES = 4;

  /** Sums over ranks and over keys are made in another order. */
  private static final double FP64 = 1e-11;

  /** The same; gradients are of size 1 and below. */
  private static final double FP32 = 2e-5;

  @ParameterizedTest(name = "{0}, cp {1}, tp {2}, pp {3} x {4} chunks, sequence parallel {5}")
  @CsvSource({
    // communication, cp, tp, pp, chunks, sequence parallel, tied, z-loss
    "P2P,        2, 1, 1, 1, false, false, 0",
    "ALL_GATHER, 2, 1, 1, 1, false, true,  0.01",
    "P2P,        4, 1, 1, 1, false, true,  0.01",
    "ALL_GATHER, 4, 1, 1, 1, false, false, 0",
    "P2P,        2, 1, 2, 1, false, true,  0",
    "P2P,        2, 1, 2, 2, false, true,  0.01",
    "ALL_GATHER, 2, 1, 2, 1, false, false, 0.01",
    "P2P,        4, 1, 2, 1, false, false, 0",
    "P2P,        2, 2, 1, 1, false, false, 0",
    "ALL_GATHER, 2, 2, 1, 1, true,  true,  0",
    "P2P,        2, 2, 2, 1, true,  true,  0.01",
  })
  void ranks_have_the_losses_and_gradients_of_one(
      ContextCommunication communication,
      int cp,
      int tp,
      int pp,
      int chunks,
      boolean sequenceParallel,
      boolean tied,
      double zLoss) {
    ModelConfig config = new TestConfig(tied, 1, zLoss, Recompute.NONE).divisible(NUM_LAYERS);
    ParallelDims dims = new ParallelDims(tp, cp, 1, pp, 1, sequenceParallel);
    check(new ModelRanks(config, DType.F64, NUM_MICROBATCHES, communication), dims, chunks, FP64);
  }

  @ParameterizedTest(name = "{0}, {1}: cp {2}, tp {3}, pp {4}, sequence parallel {5}")
  @CsvSource({
    "QWEN2, P2P,        2, 1, 1, false",
    "QWEN2, ALL_GATHER, 2, 2, 1, true",
    "QWEN3, P2P,        4, 1, 1, false",
    "QWEN3, ALL_GATHER, 2, 2, 1, false",
    "GPT,   P2P,        2, 1, 2, false",
    "GPT,   ALL_GATHER, 2, 2, 1, true",
    "MIXED, P2P,        2, 2, 2, true",
  })
  void so_they_have_in_other_families(
      Family family,
      ContextCommunication communication,
      int cp,
      int tp,
      int pp,
      boolean sequenceParallel) {
    ModelConfig config = new TestConfig(true, 1, 0, Recompute.NONE, family).divisible(NUM_LAYERS);
    ParallelDims dims = new ParallelDims(tp, cp, 1, pp, 1, sequenceParallel);
    check(new ModelRanks(config, DType.F64, NUM_MICROBATCHES, communication), dims, 1, FP64);
  }

  @ParameterizedTest(name = "{0}, {1}")
  @CsvSource({"P2P, 2", "P2P, 4", "ALL_GATHER, 2", "ALL_GATHER, 4"})
  void so_they_have_in_fp32(ContextCommunication communication, int cp) {
    ModelConfig config = TestConfig.PLAIN.divisible(NUM_LAYERS);
    ModelRanks ranks = new ModelRanks(config, DType.F32, NUM_MICROBATCHES, communication);
    check(ranks, ParallelDims.of(1, cp, 1, 1), 1, FP32);
  }

  @ParameterizedTest(name = "{0}, {1} {2}")
  @CsvSource({
    "P2P, SELECTIVE, 0",
    "ALL_GATHER, SELECTIVE, 0",
    "P2P, FULL_UNIFORM, 2",
    "P2P, FULL_BLOCK, 1"
  })
  void attention_of_several_ranks_can_be_computed_again(
      ContextCommunication communication, Granularity granularity, int numLayers) {
    Recompute recompute = new Recompute(granularity, numLayers);
    ModelConfig config = new TestConfig(false, 1, 0, recompute).divisible(NUM_LAYERS);
    ModelRanks ranks = new ModelRanks(config, DType.F64, NUM_MICROBATCHES, communication);
    check(ranks, ParallelDims.of(1, 2, 1, 1), 1, FP64);
  }

  private static void check(ModelRanks ranks, ParallelDims dims, int chunks, double tolerance) {
    StageLayers layers = StageLayers.even(NUM_LAYERS, dims.pp(), chunks);
    Found expected = ranks.alone();
    List<Found> found = ranks.run(dims, layers);
    for (Found rank : found) {
      for (int i = 0; i < expected.trained().length; i++) {
        double allowed = tolerance * Math.max(1, Math.abs(expected.trained()[i]));
        assertThat(rank.trained()[i]).isCloseTo(expected.trained()[i], within(allowed));
        assertThat(rank.evaluated()[i]).isCloseTo(expected.evaluated()[i], within(allowed));
      }
    }
    Map<String, double[]> gradients = gathered(found);
    Map<String, double[]> expectedGradients = gathered(List.of(expected));
    assertThat(gradients).containsOnlyKeys(expectedGradients.keySet());
    gradients.forEach(
        (name, values) ->
            assertThat(values)
                .as(name)
                .containsExactly(expectedGradients.get(name), within(tolerance)));
  }

  private static Map<String, double[]> gathered(List<Found> ranks) {
    GlobalTensors tensors = new GlobalTensors();
    ranks.forEach(rank -> rank.gradients().forEach(tensors::put));
    return tensors.all();
  }
}
