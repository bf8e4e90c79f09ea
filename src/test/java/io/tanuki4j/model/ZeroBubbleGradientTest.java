package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelRanks.Found;
import io.tanuki4j.model.TestModels.Family;
import io.tanuki4j.parallel.ContextCommunication;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.tensor.DType;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Split backwards against whole ones, bit by bit. */
class ZeroBubbleGradientTest {
  private static final int NUM_LAYERS = 4;
  private static final int NUM_MICROBATCHES = 5;

  @ParameterizedTest(name = "tp {0}, cp {1}, dp {2}, pp {3}, sequence parallel {4}, {5}")
  @CsvSource({
    "1, 1, 1, 2, false, F64,  P2P",
    "1, 1, 1, 4, false, BF16, P2P",
    "2, 1, 1, 2, false, BF16, P2P",
    "2, 1, 1, 2, true,  F32,  P2P",
    "1, 2, 1, 2, false, F32,  P2P",
    "1, 2, 1, 2, false, BF16, ALL_GATHER",
    "1, 1, 2, 2, false, F32,  P2P",
  })
  void gradients_are_those_of_1f1b(
      int tp,
      int cp,
      int dp,
      int pp,
      boolean sequenceParallel,
      DType dtype,
      ContextCommunication communication) {
    ModelConfig config =
        new TestConfig(true, 1, 0.01, Recompute.NONE, Family.MIXED).divisible(NUM_LAYERS);
    ModelRanks ranks = new ModelRanks(config, dtype, NUM_MICROBATCHES, communication);
    check(ranks, new ParallelDims(tp, cp, dp, pp, 1, sequenceParallel));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void so_are_those_of_other_families(Family family) {
    ModelConfig config = new TestConfig(false, 1, 0, Recompute.NONE, family).divisible(NUM_LAYERS);
    check(new ModelRanks(config, DType.BF16, NUM_MICROBATCHES), ParallelDims.of(1, 1, 1, 2));
  }

  @ParameterizedTest
  @CsvSource({"SELECTIVE, 0", "FULL_UNIFORM, 1", "FULL_BLOCK, 1"})
  void so_are_those_of_recomputed_layers(Granularity granularity, int numLayers) {
    ModelConfig config =
        new TestConfig(false, 1, 0, new Recompute(granularity, numLayers)).divisible(NUM_LAYERS);
    check(new ModelRanks(config, DType.F32, NUM_MICROBATCHES), ParallelDims.of(1, 1, 1, 2));
  }

  private static void check(ModelRanks ranks, ParallelDims dims) {
    StageLayers layers = StageLayers.even(NUM_LAYERS, dims.pp(), 1);
    List<Found> whole = ranks.run(dims, layers);
    List<Found> split = ranks.withZeroBubble().run(dims, layers);
    for (int rank = 0; rank < whole.size(); rank++) {
      assertThat(split.get(rank).trained()).isEqualTo(whole.get(rank).trained());
      assertThat(split.get(rank).evaluated()).isEqualTo(whole.get(rank).evaluated());
      Found expected = whole.get(rank);
      assertThat(split.get(rank).gradients()).hasSameSizeAs(expected.gradients()).isNotEmpty();
      split
          .get(rank)
          .gradients()
          .forEach(
              (parameter, values) ->
                  assertThat(values)
                      .as(parameter.name())
                      .isEqualTo(expected.gradient(parameter.name())));
    }
  }
}
