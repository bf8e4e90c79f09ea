/**
 * What is on disk: our checkpoints, safetensors files, Hugging Face folders.
 *
 * <p>Start reading at {@link io.tanuki4j.checkpoint.CheckpointStore}.
 */
@NullMarked
package io.tanuki4j.checkpoint;

import org.jspecify.annotations.NullMarked;
