/**
 * Runs of Weights &amp; Biases, without its client.
 *
 * <p>Start reading at {@link io.tanuki4j.metrics.wandb.WandbSink}.
 */
@NullMarked
package io.tanuki4j.metrics.wandb;

import org.jspecify.annotations.NullMarked;
