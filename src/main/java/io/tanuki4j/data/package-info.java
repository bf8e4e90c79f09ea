/**
 * Token files, Megatron's sample order, and batches of ids on the host: no tensor, no device.
 *
 * <p>May import: tokenizer. Start reading at GptDataset.
 */
@NullMarked
package io.tanuki4j.data;

import org.jspecify.annotations.NullMarked;
