package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.parallel.LayoutRequest.Stages;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Which layers a stage of the pipeline has, the flags of {@link Stages}, and their order of work.
 */
public final class StageOptions {
  private static final String SCHEDULE = "--pipeline-schedule";
  private static final String ZERO_BUBBLE = "zero-bubble";
  private static final String INTERLEAVED = "interleaved";
  private static final List<String> SCHEDULES = List.of("1f1b", INTERLEAVED, ZERO_BUBBLE);

  @Option(
      names = "--num-layers-per-virtual-pipeline-stage",
      paramLabel = "N",
      description = "Each stage has several chunks of N layers: less waiting, more exchanges.")
  @Nullable Integer numLayersPerVirtualPipelineStage;

  @Option(
      names = "--num-virtual-stages-per-pipeline-rank",
      paramLabel = "N",
      description = "The same by the number of chunks.")
  @Nullable Integer numVirtualStagesPerPipelineRank;

  @Option(
      names = "--decoder-first-pipeline-num-layers",
      paramLabel = "N",
      description = "Layers of the first stage (as many as the others have).")
  @Nullable Integer decoderFirstPipelineNumLayers;

  @Option(
      names = "--decoder-last-pipeline-num-layers",
      paramLabel = "N",
      description = "Layers of the last stage (as many as the others have).")
  @Nullable Integer decoderLastPipelineNumLayers;

  @Option(
      names = "--account-for-embedding-in-pipeline-split",
      description = "The first stage has a layer less, for the embedding.")
  boolean accountForEmbeddingInPipelineSplit;

  @Option(
      names = "--account-for-loss-in-pipeline-split",
      description = "The last stage has a layer less, for the loss.")
  boolean accountForLossInPipelineSplit;

  @Option(
      names = SCHEDULE,
      paramLabel = "1f1b|interleaved|zero-bubble",
      description =
          "Order of work (1f1b, or interleaved where stages have several chunks). zero-bubble sends"
              + " gradients of inputs first, and computes those of weights where it would wait.")
  @Nullable String pipelineSchedule;

  /**
   * Checks the order of work.
   *
   * @param numStages {@code --pipeline-model-parallel-size}
   */
  void checkSchedule(int numStages, Problems problems) {
    problems.oneOf(SCHEDULE, pipelineSchedule, SCHEDULES);
    if (pipelineSchedule == null || !SCHEDULES.contains(pipelineSchedule)) {
      return;
    }
    boolean chunks =
        numLayersPerVirtualPipelineStage != null || numVirtualStagesPerPipelineRank != null;
    if (chunks && !pipelineSchedule.equals(INTERLEAVED)) {
      problems.add(
          SCHEDULE,
          pipelineSchedule,
          "interleaved, since the stages have several chunks",
          "Leave it out, or leave out --num-layers-per-virtual-pipeline-stage and"
              + " --num-virtual-stages-per-pipeline-rank.");
    } else if (!chunks && pipelineSchedule.equals(INTERLEAVED)) {
      problems.add(
          SCHEDULE,
          pipelineSchedule,
          "together with several chunks per stage",
          "Add --num-virtual-stages-per-pipeline-rank, or use 1f1b.");
    } else if (numStages == 1 && zeroBubble()) {
      problems.add(
          SCHEDULE,
          pipelineSchedule,
          "together with --pipeline-model-parallel-size above 1",
          "Leave it out: one stage never waits.");
    }
  }

  /** Returns whether gradients of weights fill the time in which stages would wait. */
  boolean zeroBubble() {
    return ZERO_BUBBLE.equals(pipelineSchedule);
  }

  Stages toRequest() {
    return new Stages(
        numLayersPerVirtualPipelineStage,
        numVirtualStagesPerPipelineRank,
        decoderFirstPipelineNumLayers,
        decoderLastPipelineNumLayers,
        accountForEmbeddingInPipelineSplit,
        accountForLossInPipelineSplit);
  }
}
