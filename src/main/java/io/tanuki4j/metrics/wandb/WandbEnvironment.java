package io.tanuki4j.metrics.wandb;

import java.nio.file.Path;
import java.util.Map;

/**
 * The environment variables of Weights &amp; Biases. Flags take precedence over them.
 *
 * @param mode {@code online}, {@code offline} or {@code disabled}, or what the user wrote
 * @param host shown for the run
 */
public record WandbEnvironment(String mode, String entity, Path folder, String host, Run run) {
  /**
   * What the variables say of the run.
   *
   * @param tags separated by commas
   * @param resume {@code must} if the run must exist on the server, {@code never} if it must not
   */
  public record Run(
      String id, String group, String jobType, String notes, String tags, String resume) {}

  /**
   * Reads the variables.
   *
   * @param host used without WANDB_HOST
   */
  public static WandbEnvironment of(Map<String, String> variables, String host) {
    return new WandbEnvironment(
        variables.getOrDefault("WANDB_MODE", ""),
        variables.getOrDefault("WANDB_ENTITY", ""),
        Path.of(variables.getOrDefault("WANDB_DIR", "")),
        variables.getOrDefault("WANDB_HOST", host),
        new Run(
            variables.getOrDefault("WANDB_RUN_ID", ""),
            variables.getOrDefault("WANDB_RUN_GROUP", ""),
            variables.getOrDefault("WANDB_JOB_TYPE", ""),
            variables.getOrDefault("WANDB_NOTES", ""),
            variables.getOrDefault("WANDB_TAGS", ""),
            variables.getOrDefault("WANDB_RESUME", "")));
  }

  /** Returns whether nothing is written. */
  public boolean isDisabled() {
    return mode.equals("disabled");
  }
}
