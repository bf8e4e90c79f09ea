package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.metrics.wandb.WandbConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link WandbConfig}. */
public final class WandbOptions {
  private static final int MAX_PROJECT = 128;
  private static final String NOT_IN_PROJECT = "/\\#?%:";
  private static final String NOT_IN_ID = ":;,#?/'";

  @Option(
      names = "--wandb-project",
      paramLabel = "NAME",
      description =
          "Writes a run of Weights & Biases, which wandb sync sends; --wandb-exp-name is its name.")
  String wandbProject = "";

  @Option(
      names = {"--wandb-exp-name", "--wandb-name"},
      paramLabel = "NAME",
      description = "The run's name in Weights & Biases.")
  String wandbExpName = "";

  @Option(
      names = "--wandb-save-dir",
      paramLabel = "DIR",
      description = "Where the run's files go (default: the folder wandb in --save's).")
  String wandbSaveDir = "";

  @Option(
      names = "--wandb-entity",
      paramLabel = "NAME",
      description = "The user or team of the run in Weights & Biases.")
  @Nullable String wandbEntity;

  @Option(
      names = "--wandb-id",
      paramLabel = "ID",
      description = "The run to create or continue (default: the folder's run, or a new one).")
  @Nullable String wandbId;

  void check(Problems problems) {
    if (wandbProject.isEmpty()) {
      return;
    }
    if (wandbProject.length() > MAX_PROJECT || containsAny(wandbProject, NOT_IN_PROJECT)) {
      problems.add(
          "--wandb-project",
          wandbProject,
          "at most 128 characters, none of / \\ # ? % :",
          "Choose another name.");
    }
    problems.required(
        "--wandb-exp-name",
        wandbExpName.isEmpty() ? null : wandbExpName,
        "a name, since --wandb-project is given",
        "Add one.");
    if (wandbId != null && (wandbId.isBlank() || containsAny(wandbId, NOT_IN_ID))) {
      problems.add(
          "--wandb-id", wandbId, "a text without : ; , # ? / '", "Use letters and digits.");
    }
  }

  private static boolean containsAny(String text, String characters) {
    return text.chars().anyMatch(c -> characters.indexOf(c) >= 0);
  }

  /**
   * Returns the configuration.
   *
   * @param save folder of checkpoints; null for none
   */
  @Nullable WandbConfig toConfig(@Nullable Path save) {
    if (wandbProject.isEmpty()) {
      return null;
    }
    return new WandbConfig(
        wandbProject,
        wandbExpName,
        wandbEntity,
        wandbId,
        folder(save),
        save == null ? null : save.resolve("metrics.jsonl"));
  }

  private @Nullable Path folder(@Nullable Path save) {
    if (!wandbSaveDir.isEmpty()) {
      return Path.of(wandbSaveDir);
    }
    return save == null ? null : save.resolve("wandb");
  }
}
