/**
 * Reads and writes the checkpoints of Megatron-LM without Python: pickles as data, torch's archives
 * and its distributed checkpoints.
 *
 * <p>Start reading at {@link io.tanuki4j.megatron.MegatronFolder}.
 */
@NullMarked
package io.tanuki4j.megatron;

import org.jspecify.annotations.NullMarked;
