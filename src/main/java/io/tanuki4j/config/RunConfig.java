package io.tanuki4j.config;

import io.tanuki4j.checkpoint.CheckpointConfig;
import io.tanuki4j.data.DataConfig;
import io.tanuki4j.metrics.LoggingConfig;
import io.tanuki4j.metrics.sinks.SinkConfig;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.optim.ScheduleConfig;
import io.tanuki4j.parallel.ParallelConfig;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.train.ProfileConfig;
import io.tanuki4j.train.TrainConfig;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Everything that configures a run.
 *
 * @param profile null for none
 * @param arguments every flag after validation under Megatron's attribute name ({@code
 *     micro_batch_size}), for the log and for checkpoints; values are strings, numbers, booleans,
 *     lists of them, or null
 */
public record RunConfig(
    BackendConfig backend,
    DistributedConfig distributed,
    ParallelConfig parallel,
    Precision precision,
    ModelConfig model,
    TokenizerConfig tokenizer,
    DataConfig data,
    TrainConfig train,
    OptimizerConfig optimizer,
    ScheduleConfig schedule,
    CheckpointConfig checkpoint,
    LoggingConfig logging,
    SinkConfig sinks,
    @Nullable ProfileConfig profile,
    Map<String, @Nullable Object> arguments) {}
