package io.tanuki4j.flags;

import static java.util.Objects.requireNonNullElse;

import io.tanuki4j.checkpoint.CheckpointConfig;
import io.tanuki4j.checkpoint.CheckpointConfig.Exports;
import io.tanuki4j.checkpoint.CheckpointConfig.Loading;
import io.tanuki4j.checkpoint.CheckpointConfig.Saving;
import io.tanuki4j.checkpoint.CheckpointConfig.Taken;
import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.config.Problems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link CheckpointConfig}. */
public final class CheckpointOptions {
  /** Set by torchrun and by {@code launch}. */
  private static final String MAX_RESTARTS = "TORCHELASTIC_MAX_RESTARTS";

  @Option(names = "--save", paramLabel = "DIR", description = "Where checkpoints go.")
  @Nullable Path save;

  @Option(
      names = {"--save-interval", "--persistent-save-interval"},
      paramLabel = "N",
      description = "Iterations between checkpoints; otherwise one is saved when the run ends.")
  @Nullable Integer saveInterval;

  @Option(
      names = "--async-save",
      description = {
        "Copies a checkpoint into host memory and writes it while training continues.",
        "The next save, an evaluation of the same iteration and the end of the run wait for it."
      })
  boolean asyncSave;

  @Option(
      names = "--save-retain-interval",
      paramLabel = "N",
      description =
          "Keeps checkpoints of iterations that are multiples of N, and the latest; removes others.")
  @Nullable Integer saveRetainInterval;

  @Option(
      names = "--most-recent-k",
      paramLabel = "K",
      description = "Keeps the K latest checkpoints in --save; -1 for all.")
  @Nullable Integer mostRecentK;

  @Option(
      names = "--save-hf-interval",
      paramLabel = "N",
      description =
          "Writes checkpoints of iterations that are multiples of N also as Hugging Face folders, to hf in --save.")
  @Nullable Integer saveHfInterval;

  @Option(
      names = "--save-megatron-interval",
      paramLabel = "N",
      description =
          "The same in Megatron-LM's format torch, without optimizer state, to megatron in --save.")
  @Nullable Integer saveMegatronInterval;

  @Option(
      names = "--no-save-optim",
      description =
          "Omits optimizer state; load such a checkpoint with --no-load-optim or --finetune.")
  @Nullable Boolean noSaveOptim;

  @Option(
      names = "--load",
      paramLabel = "DIR",
      description = "Goes on from the latest checkpoint there; may be the folder of --save.")
  @Nullable Path load;

  @Option(names = "--ckpt-step", paramLabel = "N", description = "Loads iteration N instead.")
  @Nullable Integer ckptStep;

  @Option(
      names = "--pretrained-checkpoint",
      paramLabel = "DIR",
      description = "Where the weights come from if --load has no checkpoint.")
  @Nullable Path pretrainedCheckpoint;

  @Option(
      names = "--finetune",
      description = "Loads only weights and starts at iteration 0 and the first sample.")
  boolean finetune;

  @Option(
      names = "--no-load-optim",
      description = "Loads neither optimizer nor learning rate schedule.")
  @Nullable Boolean noLoadOptim;

  @Option(
      names = "--exit-on-missing-checkpoint",
      description = "Ends if --load has no checkpoint, instead of starting from random weights.")
  boolean exitOnMissingCheckpoint;

  @Option(
      names = "--use-checkpoint-args",
      description =
          "Takes all that shapes the model from the checkpoint; flags that are given win.")
  boolean useCheckpointArgs;

  @Option(
      names = {
        "--no-use-tokenizer-model-from-checkpoint-args",
        "--disable-use-tokenizer-model-from-checkpoint-args"
      },
      description = "But not the path of the tokenizer's model.")
  boolean useTokenizerModelFromCheckpointArgs = true;

  @Option(
      names = {"--override-opt_param-scheduler", "--override-opt-param-scheduler"},
      description = "Flags of the schedule win over the checkpoint's.")
  boolean overrideOptParamScheduler;

  @Option(
      names = {"--use-checkpoint-opt_param-scheduler", "--use-checkpoint-opt-param-scheduler"},
      description = "The checkpoint's schedule wins over the flags.")
  boolean useCheckpointOptParamScheduler;

  /** Whether a launcher restarts a failed run. */
  private boolean mayRestart;

  /**
   * Reads the launcher's variables. When a launcher restarts a run, a damaged checkpoint must not
   * make it fail every time.
   */
  void derive(Map<String, String> environment) {
    mayRestart = !environment.getOrDefault(MAX_RESTARTS, "0").equals("0");
  }

  void check(List<String> notices, Problems problems) {
    if (save != null) {
      if (saveInterval == null) {
        notices.add("no --save-interval: a checkpoint is saved only when the run ends");
      }
      checkSaveFolder(save, problems);
    } else if (saveInterval != null) {
      notices.add("--save-interval has no effect without --save");
    }
    problems.positive("--save-interval", saveInterval, "Write 1 or more.");
    checkRetention(problems);
    needsSave("--async-save", asyncSave ? "given" : null, problems);
    needsSave("--save-retain-interval", saveRetainInterval, problems);
    needsSave("--most-recent-k", mostRecentK, problems);
    needsSave("--save-hf-interval", saveHfInterval, problems);
    needsSave("--save-megatron-interval", saveMegatronInterval, problems);
    problems.positive("--ckpt-step", ckptStep, "Write the number of a folder iter_….");
    checkLoadFolder("--load", load, problems);
    checkLoadFolder("--pretrained-checkpoint", pretrainedCheckpoint, problems);
    needsLoad("--use-checkpoint-args", useCheckpointArgs, problems);
    needsLoad("--ckpt-step", ckptStep, problems);
    needsLoad("--finetune", finetune, problems);
    needsLoad("--exit-on-missing-checkpoint", exitOnMissingCheckpoint, problems);
    problems.exclusive(
        "--override-opt_param-scheduler",
        overrideOptParamScheduler,
        "--use-checkpoint-opt_param-scheduler",
        useCheckpointOptParamScheduler);
  }

  private void checkRetention(Problems problems) {
    problems.positive("--save-retain-interval", saveRetainInterval, "Write 1 or more.");
    requireMultiple("--save-retain-interval", saveRetainInterval, problems);
    problems.positive("--save-hf-interval", saveHfInterval, "Write 1 or more.");
    requireMultiple("--save-hf-interval", saveHfInterval, problems);
    problems.positive("--save-megatron-interval", saveMegatronInterval, "Write 1 or more.");
    requireMultiple("--save-megatron-interval", saveMegatronInterval, problems);
    if (mostRecentK != null && mostRecentK != -1 && mostRecentK < 1) {
      problems.add("--most-recent-k", mostRecentK, "1 or more, or -1", "Write -1 to keep all.");
    }
  }

  private void requireMultiple(String flag, @Nullable Integer value, Problems problems) {
    if (value != null && saveInterval != null && saveInterval > 0 && value % saveInterval != 0) {
      problems.add(flag, value, "a multiple of --save-interval " + saveInterval, "Write one.");
    }
  }

  private void needsSave(String flag, @Nullable Object value, Problems problems) {
    if (value != null && save == null) {
      problems.add(flag, value, "together with --save", "Add --save DIR, or leave it out.");
    }
  }

  /** Reports such a flag without a checkpoint, which usually means that --load was forgotten. */
  private void needsLoad(String flag, @Nullable Object value, Problems problems) {
    if (value != null
        && !Boolean.FALSE.equals(value)
        && load == null
        && pretrainedCheckpoint == null) {
      String shown = value instanceof Boolean ? "given" : value.toString();
      problems.add(flag, shown, "together with --load", "Add --load DIR, or leave it out.");
    }
  }

  private static void checkLoadFolder(String flag, @Nullable Path folder, Problems problems) {
    if (folder != null && Files.exists(folder) && !Files.isDirectory(folder)) {
      problems.add(flag, folder, "a folder", "Give the folder that holds the iter_… folders.");
    }
  }

  private static void checkSaveFolder(Path folder, Problems problems) {
    Path existing = folder.toAbsolutePath();
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (existing != null && (!Files.isDirectory(existing) || !Files.isWritable(existing))) {
      String why = Files.isDirectory(existing) ? "is not writable" : "is a file";
      problems.add(
          "--save",
          folder,
          "a folder that can be made and written",
          existing + " " + why + ": choose another one.");
    }
  }

  CheckpointConfig toConfig() {
    return new CheckpointConfig(
        new Saving(
            save,
            requireNonNullElse(saveInterval, 0),
            asyncSave,
            new Retention(
                saveRetainInterval, mostRecentK == null || mostRecentK == -1 ? null : mostRecentK),
            noSaveOptim == null,
            new Exports(saveHfInterval, saveMegatronInterval)),
        new Loading(
            load,
            ckptStep,
            pretrainedCheckpoint,
            mayRestart,
            exitOnMissingCheckpoint,
            new Taken(
                finetune,
                noLoadOptim == null,
                overrideOptParamScheduler,
                useCheckpointOptParamScheduler)));
  }
}
