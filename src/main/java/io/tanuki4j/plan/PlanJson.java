package io.tanuki4j.plan;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.tanuki4j.parallel.ParallelDims;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A plan as JSON for programs.
 *
 * @param run the whole run
 * @param layout degrees of parallelism
 * @param idleShare part of an iteration in which pipeline stages wait, on average
 * @param stages what a rank of each pipeline stage holds and sends
 * @param days of the run; null if no speed was given
 */
public record PlanJson(
    PlanTotals run,
    LayoutJson layout,
    int microBatches,
    double idleShare,
    List<StageJson> stages,
    @Nullable Double days) {
  private static final Gson GSON =
      new GsonBuilder()
          .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
          .setPrettyPrinting()
          .create();

  /** Degrees of parallelism; virtual is the number of chunks of each stage. */
  record LayoutJson(int ranks, int tensor, int context, int data, int pipeline, int virtual) {}

  /** Bytes that a rank holds, and sends in an iteration to each of its groups. */
  record StageJson(
      long weights,
      long gradients,
      long optimizer,
      long activations,
      long tables,
      long workspaces,
      long total,
      Map<String, Long> bytesSent) {
    static StageJson of(RankPlan rank) {
      return new StageJson(
          rank.memory().weights(),
          rank.memory().gradients(),
          rank.memory().optimizer(),
          rank.memory().activations(),
          rank.tables(),
          rank.workspaces(),
          rank.total(),
          rank.bytesSent());
    }
  }

  /**
   * Returns a plan as text.
   *
   * @param measuredTflops of each rank, in 10¹² operations a second; null if it is not known
   */
  public static String of(RunPlan plan, @Nullable Double measuredTflops) {
    ParallelDims dims = plan.config().parallel().dims();
    return GSON.toJson(
        new PlanJson(
            plan.totals(),
            new LayoutJson(
                dims.worldSize(), dims.tp(), dims.cp(), dims.dp(), dims.pp(), dims.vpp()),
            plan.numMicrobatches(),
            plan.idleShare(),
            plan.stages().stream().map(StageJson::of).toList(),
            measuredTflops == null ? null : plan.totals().days(measuredTflops, dims.worldSize())));
  }
}
