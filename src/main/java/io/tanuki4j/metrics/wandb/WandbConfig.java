package io.tanuki4j.metrics.wandb;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What the flags say of a run of Weights &amp; Biases.
 *
 * @param name shown for the run
 * @param entity user or team; null if not given
 * @param id of the run to make or to go on with; null if not given
 * @param folder gets a folder {@code wandb}; null if not given
 * @param metrics a metrics.jsonl with what an earlier part of the run found out; null for none
 */
public record WandbConfig(
    String project,
    String name,
    @Nullable String entity,
    @Nullable String id,
    @Nullable Path folder,
    @Nullable Path metrics) {}
