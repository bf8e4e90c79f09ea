/**
 * AdamW over flat buffers, gradient clipping, and the schedules of learning rate and weight decay.
 *
 * <p>Start reading at {@link io.tanuki4j.optim.AdamW}.
 */
@NullMarked
package io.tanuki4j.optim;

import org.jspecify.annotations.NullMarked;
