/**
 * What a run reports about itself and where it goes.
 *
 * <p>Start reading at {@link io.tanuki4j.metrics.MetricsSink}.
 */
@NullMarked
package io.tanuki4j.metrics;

import org.jspecify.annotations.NullMarked;
