/**
 * The sinks of a run, each behind a queue.
 *
 * <p>Start reading at {@link io.tanuki4j.metrics.sinks.Sinks}.
 */
@NullMarked
package io.tanuki4j.metrics.sinks;

import org.jspecify.annotations.NullMarked;
