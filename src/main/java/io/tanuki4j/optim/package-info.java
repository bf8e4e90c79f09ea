/**
 * AdamW over flat buffers, gradient clipping, and the schedules of learning rate and weight decay.
 *
 * <p>May import: parallel.data, nn, comm, kernel, tensor. Start reading at {@link
 * io.tanuki4j.optim.AdamW}.
 */
@NullMarked
package io.tanuki4j.optim;

import org.jspecify.annotations.NullMarked;
