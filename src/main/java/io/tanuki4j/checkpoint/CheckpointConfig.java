package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where a run saves and loads checkpoints. */
public record CheckpointConfig(Saving saving, Loading loading) {
  /**
   * What is saved, where and when.
   *
   * @param folder to save into; null for none
   * @param interval iterations between saves; 0 to save only at the end
   * @param async whether saves are written while training continues
   * @param retention which checkpoints stay
   * @param optimizer whether the optimizer's state is saved too
   * @param exports what is written in other formats too
   */
  public record Saving(
      @Nullable Path folder,
      int interval,
      boolean async,
      Retention retention,
      boolean optimizer,
      Exports exports) {}

  /**
   * Iterations between saves that are written in other formats too; null for none.
   *
   * @param huggingFace as Hugging Face folders
   * @param megatron in Megatron-LM's format torch
   */
  public record Exports(@Nullable Integer huggingFace, @Nullable Integer megatron) {
    /** No others. */
    public static final Exports NONE = new Exports(null, null);
  }

  /**
   * The checkpoint that a run starts from.
   *
   * @param folder to start from; null for random weights
   * @param iteration {@code --ckpt-step}: instead of the latest; null for the latest
   * @param pretrained {@code --pretrained-checkpoint}: where to start if {@code folder} has none
   * @param takeOlder whether a damaged checkpoint in {@code folder} gives way to the newest one
   *     that loads
   * @param exitOnMissing whether the run ends if there is no checkpoint
   * @param taken what is taken of it
   */
  public record Loading(
      @Nullable Path folder,
      @Nullable Integer iteration,
      @Nullable Path pretrained,
      boolean takeOlder,
      boolean exitOnMissing,
      Taken taken) {}

  /**
   * What a run takes of a checkpoint.
   *
   * @param finetune take the weights only and start at iteration 0
   * @param optimizer whether the optimizer's state is loaded
   * @param overrideSchedule {@code --override-opt-param-scheduler}: the flags' schedule counts
   * @param useCheckpointSchedule {@code --use-checkpoint-opt-param-scheduler}: the checkpoint's
   *     schedule counts
   */
  public record Taken(
      boolean finetune,
      boolean optimizer,
      boolean overrideSchedule,
      boolean useCheckpointSchedule) {}
}
