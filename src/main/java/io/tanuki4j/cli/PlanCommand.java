package io.tanuki4j.cli;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.flags.MegatronFlags;
import io.tanuki4j.flags.PretrainOptions;
import io.tanuki4j.plan.KnownDevice;
import io.tanuki4j.plan.PlanJson;
import io.tanuki4j.plan.PlanReport;
import io.tanuki4j.plan.RunPlan;
import io.tanuki4j.run.Checkpoints;
import io.tanuki4j.run.RankModel;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows what a run on any number of ranks would need, without a device. */
@Command(
    name = "plan",
    modelTransformer = MegatronFlags.class,
    description = {
      "Shows what each rank of a run would hold and send, how long pipeline stages would wait, and"
          + " whether it fits a device.",
      "Takes the flags of pretrain; needs neither GPU nor data. Without the tokenizer's"
          + " files it needs --padded-vocab-size to count the vocabulary."
    })
final class PlanCommand implements Callable<Integer> {
  private static final double BYTES_PER_GIB = 1L << 30;

  @Option(
      names = "--world-size",
      paramLabel = "N",
      description = "Ranks in all (default: as many as one replica of the model has).")
  @Nullable Integer worldSize;

  @Option(
      names = "--device-memory",
      paramLabel = "GIB",
      description = "Fails, and says what would help, if a rank needs more GiB than this.")
  @Nullable Double deviceMemory;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      description =
          "A GPU (H100, A100, RTX3090, ...) or a compute capability (9.0): fails, as a run would, if"
              + " it cannot compute as the flags ask, and if a rank needs more than its memory.")
  @Nullable String device;

  @Option(
      names = "--measured-tflops",
      paramLabel = "X",
      description =
          "Speed of each GPU in TFLOP/s, as log lines show it. Also prints how many days the run"
              + " takes.")
  @Nullable Double measuredTflops;

  @Option(names = "--json", description = "Prints JSON, in bytes and counts, for programs.")
  boolean json;

  @Mixin final PretrainOptions options = PretrainOptions.ofPlan(() -> worldSize);
  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    PretrainOptions.Resolved run = options.resolve(spec, Map.of(), Checkpoints::arguments);
    KnownDevice known = check();
    if (known != null) {
      RankModel.requireFp8(run.config().precision(), known.obstacleToFp8());
    }
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter notes = json ? spec.commandLine().getErr() : out;
    RunConfig config = run.config();
    int vocabSize = RankModel.paddedVocabSize(config, notes::println);
    options.unknownVocabulary().ifPresent(file -> notes.println(lowerBounds(file, vocabSize)));
    RunPlan plan = RunPlan.of(config, config.model().withVocabSize(vocabSize));
    show(plan, out);
    notes.flush();
    if (deviceMemory != null) {
      requireAtMost(plan, deviceMemory, "--device-memory", notes);
    } else if (known != null && known.memoryGib() > 0) {
      requireAtMost(plan, known.memoryGib(), "--device " + known.name(), notes);
    }
    return 0;
  }

  private void show(RunPlan plan, PrintWriter out) {
    if (json) {
      out.println(PlanJson.of(plan, measuredTflops));
    } else {
      PlanReport.lines(plan).forEach(out::println);
      if (measuredTflops != null) {
        int numRanks = plan.config().parallel().dims().worldSize();
        out.printf(
            Locale.ROOT,
            "%nat %s TFLOP/s on each of %d ranks the run takes %.2f days%n",
            measuredTflops,
            numRanks,
            plan.totals().days(measuredTflops, numRanks));
      }
    }
    out.flush();
  }

  private static String lowerBounds(Path file, int vocabSize) {
    return "%s does not exist, so the vocabulary is unknown. All sizes below count %d ids and are lower bounds; add --padded-vocab-size N for the real ones."
        .formatted(file, vocabSize);
  }

  private static void requireAtMost(RunPlan plan, double gib, String limit, PrintWriter out) {
    plan.requireAtMost((long) (gib * BYTES_PER_GIB), limit);
    out.printf("%nfits into %s GiB%n", gib);
    out.flush();
  }

  /** Refuses to say that a run fits whose vocabulary is unknown; null without --device. */
  private @Nullable KnownDevice check() {
    Problems problems = new Problems();
    KnownDevice known = device == null ? null : KnownDevice.find(device).orElse(null);
    if (device != null && known == null) {
      problems.add(
          "--device",
          device,
          "one of %s, or a compute capability".formatted(String.join(", ", KnownDevice.names())),
          "For another GPU, write its compute capability, 8.6 for example, and --device-memory.");
    }
    if (deviceMemory != null && !(deviceMemory > 0)) {
      problems.add("--device-memory", deviceMemory, "above 0", "Give GiB, 80 for example.");
    }
    if (measuredTflops != null && !(measuredTflops > 0)) {
      problems.add("--measured-tflops", measuredTflops, "above 0", "Give 400 for example.");
    }
    if (device != null || deviceMemory != null) {
      options
          .unknownVocabulary()
          .ifPresent(
              file ->
                  problems.add(
                      "--padded-vocab-size",
                      "not given",
                      "the rows of the embedding, as %s does not exist".formatted(file),
                      "Add it, or leave out --device and --device-memory."));
    }
    problems.throwIfAny();
    return known;
  }
}
