/**
 * Token files, Megatron's sample order, and batches of ids on the host: no tensor, no device.
 *
 * <p>Start reading at {@link io.tanuki4j.data.Datasets}, then GptDataset for the order of samples
 * and {@link io.tanuki4j.data.SequentialBatches} for batches.
 */
@NullMarked
package io.tanuki4j.data;

import org.jspecify.annotations.NullMarked;
