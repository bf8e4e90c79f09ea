package io.tanuki4j.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.model.FlopsPerToken;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.model.TestModels;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.pipeline.PipelineSchedule;
import io.tanuki4j.parallel.pipeline.PipelineShape;
import io.tanuki4j.parallel.pipeline.Timeline;
import io.tanuki4j.parallel.pipeline.ZeroBubble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StageCostsTest {
  private static final double ROUNDING = 1e-9;
  private static final int NUM_LAYERS = 8;
  private static final int NUM_MICROBATCHES = 16;

  private static ModelConfig model(int vocabSize, Recompute recompute) {
    return TestModels.llama(
        new Sizes(NUM_LAYERS, 64, 128, vocabSize, 32, 32),
        new Attention(4, 2, 16),
        false,
        new Training(0.02, 0, recompute));
  }

  private static Timeline timeline(int numStages, int numChunks, ModelConfig model) {
    StageLayers layers = StageLayers.even(NUM_LAYERS, numStages, numChunks);
    return Timeline.of(
        PipelineSchedule.forTraining(numChunks),
        new PipelineShape(numStages, numChunks, NUM_MICROBATCHES),
        new StageCosts(model, layers));
  }

  /** (p − 1) / (m·v) of Narayanan et al. (2021), whatever a backward costs. */
  @ParameterizedTest
  @CsvSource({"1, 1", "2, 1", "4, 1", "2, 2", "4, 2"})
  void equal_stages_wait_as_the_paper_says(int numStages, int numChunks) {
    double bubble = (numStages - 1) / (double) (NUM_MICROBATCHES * numChunks);
    for (Recompute recompute :
        new Recompute[] {
          Recompute.NONE,
          new Recompute(Granularity.SELECTIVE, 0),
          new Recompute(Granularity.FULL_UNIFORM, 1)
        }) {
      assertThat(timeline(numStages, numChunks, model(0, recompute)).bubble())
          .isCloseTo(bubble, within(ROUNDING));
    }
  }

  /** (p − 1)(F + X − W) of Qi et al. (2023), where W is without the work of attention. */
  @Test
  void halves_of_backwards_fill_waiting_with_gradients_of_weights() {
    ModelConfig model = model(0, Recompute.NONE);
    double layer = FlopsPerToken.ofLayer(model);
    double weights = (layer - FlopsPerToken.ofAttentionCore(model)) / 3;
    double bubble = 3 * (layer - 2 * weights) / (NUM_MICROBATCHES * layer);
    assertThat(zeroBubble(model)).isCloseTo(bubble, within(ROUNDING));
    Recompute core = new Recompute(Granularity.SELECTIVE, 0);
    assertThat(zeroBubble(model(0, core))).isGreaterThan(bubble);
  }

  /** As with 1F1B: all of a backward is in its first half. */
  @Test
  void layers_that_are_recomputed_as_a_whole_leave_nothing_to_fill_with() {
    Recompute all = new Recompute(Granularity.FULL_UNIFORM, 1);
    assertThat(zeroBubble(model(0, all)))
        .isCloseTo(timeline(4, 1, model(0, all)).bubble(), within(ROUNDING));
  }

  private static double zeroBubble(ModelConfig model) {
    StageLayers layers = StageLayers.even(NUM_LAYERS, 4, 1);
    PipelineShape shape = new PipelineShape(4, 1, NUM_MICROBATCHES);
    return Timeline.of(new ZeroBubble(), shape, new StageCosts(model, layers)).bubble();
  }

  @Test
  void a_head_makes_the_other_stages_wait() {
    double alike = timeline(4, 1, model(0, Recompute.NONE)).bubble();
    assertThat(timeline(4, 1, model(8192, Recompute.NONE)).bubble()).isGreaterThan(2 * alike);
  }

  @Test
  void recomputation_of_all_layers_takes_a_third_more() {
    double kept = timeline(1, 1, model(0, Recompute.NONE)).seconds();
    Recompute all = new Recompute(Granularity.FULL_BLOCK, NUM_LAYERS);
    assertThat(timeline(1, 1, model(0, all)).seconds())
        .isCloseTo(kept * 4 / 3, within(1e-3 * kept));
    Recompute half = new Recompute(Granularity.FULL_BLOCK, NUM_LAYERS / 2);
    assertThat(timeline(1, 1, model(0, half)).seconds())
        .isCloseTo(kept * 7 / 6, within(1e-3 * kept));
  }
}
