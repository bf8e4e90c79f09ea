package io.tanuki4j.checkpoint;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where a run saves and loads checkpoints.
 *
 * @param save folder to save into; null for none
 * @param load folder to start from; null for random weights
 * @param saveInterval iterations between saves; 0 to save only at the end
 * @param asyncSave whether saves are written while the run continues
 * @param retention which checkpoints stay
 * @param loadIteration {@code --ckpt-step}: instead of the latest; null for the latest
 * @param pretrained {@code --pretrained-checkpoint}: where to start if {@code load} has none
 * @param takeOlder whether a damaged checkpoint in {@code load} gives way to the newest one that
 *     loads
 * @param finetune take the weights only and start at iteration 0
 */
public record CheckpointConfig(
    @Nullable Path save,
    @Nullable Path load,
    int saveInterval,
    boolean asyncSave,
    Retention retention,
    @Nullable Integer loadIteration,
    @Nullable Path pretrained,
    boolean takeOlder,
    boolean finetune,
    boolean loadOptimizer,
    boolean saveOptimizer,
    boolean exitOnMissing,
    boolean overrideSchedule,
    boolean useCheckpointSchedule) {}
