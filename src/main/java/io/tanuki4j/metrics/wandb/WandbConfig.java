package io.tanuki4j.metrics.wandb;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The flags' settings for a run of Weights &amp; Biases.
 *
 * @param name shown for the run
 * @param entity user or team; null if not given
 * @param id of the run to create or continue; null if not given
 * @param folder receives a folder {@code wandb}; null if not given
 * @param metrics a metrics.jsonl with the metrics of an earlier part of the run; null for none
 */
public record WandbConfig(
    String project,
    String name,
    @Nullable String entity,
    @Nullable String id,
    @Nullable Path folder,
    @Nullable Path metrics) {}
