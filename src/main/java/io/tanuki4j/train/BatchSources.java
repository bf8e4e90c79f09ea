package io.tanuki4j.train;

import io.tanuki4j.data.BatchSource;
import org.jspecify.annotations.Nullable;

/**
 * The data of a run.
 *
 * @param train null only if there is nothing to train ({@code --skip-train})
 * @param valid null for no evaluation
 * @param test null for no test
 */
public record BatchSources(
    @Nullable BatchSource train, @Nullable BatchSource valid, @Nullable BatchSource test) {}
