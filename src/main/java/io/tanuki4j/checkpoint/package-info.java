/**
 * What is on disk: our checkpoints, safetensors files, Hugging Face folders.
 *
 * <p>May import: nn, comm, kernel, tensor. Start reading at {@link
 * io.tanuki4j.checkpoint.CheckpointStore}.
 */
@NullMarked
package io.tanuki4j.checkpoint;

import org.jspecify.annotations.NullMarked;
