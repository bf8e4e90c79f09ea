package io.tanuki4j.metrics.sinks;

import io.tanuki4j.metrics.tensorboard.TensorBoardConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where metrics go besides the console.
 *
 * @param metricsFolder gets metrics.jsonl; null for none
 * @param tensorBoard null for none
 */
public record SinkConfig(@Nullable Path metricsFolder, @Nullable TensorBoardConfig tensorBoard) {}
