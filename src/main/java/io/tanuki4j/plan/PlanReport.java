package io.tanuki4j.plan;

import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.pipeline.PipelineSchedule;
import io.tanuki4j.run.MemoryPlan;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A plan as lines for people. */
public final class PlanReport {
  private static final int WIDTH = 13;
  private static final double PERCENT = 100;

  private final RunPlan plan;
  private final List<String> lines = new ArrayList<>();

  private PlanReport(RunPlan plan) {
    this.plan = plan;
  }

  public static List<String> lines(RunPlan plan) {
    PlanReport report = new PlanReport(plan);
    report.run();
    report.totals();
    report.memory();
    report.messages();
    return report.lines;
  }

  private void run() {
    ParallelDims dims = plan.config().parallel().dims();
    line(
        "%d ranks: tp %d%s x cp %d x dp %d x pp %d; layers of the stages: %s",
        dims.worldSize(),
        dims.tp(),
        dims.sequenceParallel() ? " with sequence parallel" : "",
        dims.cp(),
        dims.dp(),
        dims.pp(),
        stageLayers());
    line(
        "an iteration: on each rank %d micro-batches of %d x %d tokens%s",
        plan.numMicrobatches(),
        plan.config().train().batches().microBatchSize(),
        plan.model().sizes().seqLength(),
        dims.pp() == 1
            ? ""
            : text(
                "; %s, stages wait %.2f %% of the time",
                PipelineSchedule.of(plan.config().parallel()).name(), PERCENT * plan.idleShare()));
  }

  private void totals() {
    PlanTotals totals = plan.totals();
    line(
        "in all: %,d parameters; %d iterations of %,d tokens and %s, together %,d tokens and %s",
        totals.parameters(),
        totals.iterations(),
        totals.tokensPerIteration(),
        count(totals.flopsPerIteration(), "FLOP"),
        totals.tokens(),
        count(totals.flops(), "FLOP"));
  }

  private String stageLayers() {
    StageLayers layers = plan.config().parallel().layout().layers();
    return IntStream.range(0, layers.numStages())
        .mapToObj(
            stage ->
                IntStream.range(0, layers.chunksPerStage())
                    .mapToObj(chunk -> "" + layers.count(stage, chunk))
                    .collect(Collectors.joining("+")))
        .collect(Collectors.joining(", "));
  }

  private void memory() {
    line("");
    List<String> kinds =
        List.of(
            "weights", "gradients", "optimizer", "activations", "tables", "workspaces", "total");
    List<ToLongFunction<RankPlan>> values =
        List.of(
            rank -> rank.memory().weights(),
            rank -> rank.memory().gradients(),
            rank -> rank.memory().optimizer(),
            rank -> rank.memory().activations(),
            RankPlan::tables,
            RankPlan::workspaces,
            RankPlan::total);
    row("GiB held by each rank", kinds);
    for (int stage = 0; stage < plan.stages().size(); stage++) {
      RankPlan rank = plan.stages().get(stage);
      row(
          "of stage " + stage,
          values.stream()
              .map(value -> text("%.3f", MemoryPlan.gib(value.applyAsLong(rank))))
              .toList());
    }
  }

  private void messages() {
    Set<String> groups = new LinkedHashSet<>();
    for (RankPlan rank : plan.stages()) {
      rank.bytesSent()
          .forEach((group, bytes) -> groups.addAll(bytes > 0 ? Set.of(group) : Set.of()));
    }
    if (groups.isEmpty()) {
      return;
    }
    line("");
    row("sent by each rank", List.copyOf(groups));
    for (int stage = 0; stage < plan.stages().size(); stage++) {
      RankPlan rank = plan.stages().get(stage);
      row(
          "of stage " + stage,
          groups.stream().map(group -> bytes(rank.bytesSent().getOrDefault(group, 0L))).toList());
    }
  }

  private void row(String first, List<String> cells) {
    line(
        "%-22s%s",
        first,
        cells.stream().map(cell -> text("%" + WIDTH + "s", cell)).collect(Collectors.joining()));
  }

  private void line(String format, Object... values) {
    lines.add(text(format, values));
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /** Returns a size as text, for example {@code 12.345 GB}. */
  private static String bytes(long bytes) {
    return bytes < 1000 ? bytes + " B" : count(bytes, "B");
  }

  private static String count(double number, String of) {
    String units = " kMGTPEZY";
    double value = number;
    int unit = 0;
    while (value >= 1000 && unit < units.length() - 1) {
      value /= 1000;
      unit++;
    }
    return text("%.3f %s%s", value, units.charAt(unit), of);
  }
}
