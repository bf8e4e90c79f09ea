package io.tanuki4j.metrics.tensorboard;

import java.nio.file.Path;

/**
 * Megatron's flags about TensorBoard.
 *
 * @param logInterval iterations from one point to the next
 * @param timers whether times and throughput are written
 * @param perplexity whether validation's perplexity is written
 */
public record TensorBoardConfig(
    Path folder,
    int logInterval,
    boolean timers,
    boolean perplexity,
    boolean memory,
    boolean worldSize,
    boolean lossScale) {}
