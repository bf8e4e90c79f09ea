package io.tanuki4j.plan;

import io.tanuki4j.config.RunConfig;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.parallel.Axis;
import io.tanuki4j.parallel.Layout;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.pipeline.PipelineSchedule;
import io.tanuki4j.parallel.pipeline.PipelineShape;
import io.tanuki4j.parallel.pipeline.Timeline;
import io.tanuki4j.run.MemoryPlan;
import io.tanuki4j.run.RankModel.PlanRequest;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;

/**
 * What a run needs of every rank, planned without devices: the ranks of a pipeline stage are the
 * same, so one stands for each stage.
 *
 * @param model with its vocabulary
 * @param totals of the run
 * @param stages a rank of each stage
 * @param timeline of the pipeline's stages, with operations for time
 */
public record RunPlan(
    RunConfig config,
    ModelConfig model,
    PlanTotals totals,
    List<RankPlan> stages,
    Timeline timeline) {

  public static RunPlan of(RunConfig config, ModelConfig model) {
    List<Integer> pipeline = config.parallel().grid().groups(EnumSet.of(Axis.PP)).get(0);
    List<RankPlan> stages =
        pipeline.stream().map(rank -> RankPlan.of(config, model, rank)).toList();
    return new RunPlan(
        config, model, PlanTotals.of(config, model), stages, timeline(config, model));
  }

  private static Timeline timeline(RunConfig config, ModelConfig model) {
    Layout layout = config.parallel().layout();
    ParallelDims dims = layout.dims();
    PipelineShape shape = new PipelineShape(dims.pp(), dims.vpp(), numMicrobatches(config));
    return Timeline.of(
        PipelineSchedule.of(config.parallel()), shape, new StageCosts(model, layout.layers()));
  }

  private static int numMicrobatches(RunConfig config) {
    return config.train().batches().numMicrobatches(config.train().batches().globalBatchSize());
  }

  /** Returns the number of micro-batches of each rank in an iteration. */
  int numMicrobatches() {
    return numMicrobatches(config);
  }

  /** Returns the part of an iteration in which the stages wait for each other, on average. */
  double idleShare() {
    double bubble = timeline.bubble();
    return bubble / (1 + bubble);
  }

  /** Returns the stage whose ranks take most memory. */
  int fullestStage() {
    RankPlan fullest = stages.stream().max(Comparator.comparingLong(RankPlan::total)).orElseThrow();
    return stages.indexOf(fullest);
  }

  /**
   * @param limit whose it is, for the message
   * @throws UserException with the flags that would fit, if a rank needs more
   */
  public void requireAtMost(long bytes, String limit) {
    RankPlan fullest = stages.get(fullestStage());
    if (fullest.total() > bytes) {
      PlanRequest request = PlanRequest.of(config, model, fullest.globalRank());
      long besides = fullest.tables() + fullest.workspaces();
      throw new UserException(
          "memory: %.2f GiB on the ranks of stage %d (expected: at most the %.2f GiB of"
                  .formatted(MemoryPlan.gib(fullest.total()), fullestStage(), MemoryPlan.gib(bytes))
              + " %s). ".formatted(limit)
              + MemoryPlan.remedy(request, bytes - besides));
    }
  }
}
