package io.tanuki4j.metrics.sinks;

import io.tanuki4j.metrics.tensorboard.TensorBoardConfig;
import io.tanuki4j.metrics.wandb.WandbConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where metrics go besides the console.
 *
 * @param metricsFolder gets metrics.jsonl; null for none
 * @param tensorBoard null for none
 * @param wandb Weights &amp; Biases; null for none
 * @param progress whether each line of Megatron's has one about progress under it
 * @param peakTeraflops TFLOP/s of a device at best; null if not given
 */
public record SinkConfig(
    @Nullable Path metricsFolder,
    @Nullable TensorBoardConfig tensorBoard,
    @Nullable WandbConfig wandb,
    boolean progress,
    @Nullable Double peakTeraflops) {}
