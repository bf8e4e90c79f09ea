/**
 * The loop: batches in, updated weights and metrics out.
 *
 * <p>Start reading at {@link io.tanuki4j.train.Trainer}.
 */
@NullMarked
package io.tanuki4j.train;

import org.jspecify.annotations.NullMarked;
