package io.tanuki4j.metrics.sinks;

import io.tanuki4j.metrics.tensorboard.TensorBoardConfig;
import io.tanuki4j.metrics.wandb.WandbConfig;
import io.tanuki4j.metrics.web.WebConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where metrics go besides the console.
 *
 * @param metricsFolder receives metrics.jsonl; null for none
 * @param tensorBoard null for none
 * @param wandb Weights &amp; Biases; null for none
 * @param web the page of the run; null for none
 * @param progress whether a line about progress follows each of Megatron's lines
 * @param peakTeraflops peak TFLOP/s of a device; null if not given
 * @param measuresPeak whether the rate of large products is measured where the peak is unknown
 */
public record SinkConfig(
    @Nullable Path metricsFolder,
    @Nullable TensorBoardConfig tensorBoard,
    @Nullable WandbConfig wandb,
    @Nullable WebConfig web,
    boolean progress,
    @Nullable Double peakTeraflops,
    boolean measuresPeak) {}
