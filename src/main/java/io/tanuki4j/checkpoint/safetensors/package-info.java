/**
 * The safetensors file format: a JSON header, then the tensors' bytes back to back
 * (github.com/huggingface/safetensors).
 *
 * <p>Start reading at {@link io.tanuki4j.checkpoint.safetensors.SafetensorsReader}.
 */
@NullMarked
package io.tanuki4j.checkpoint.safetensors;

import org.jspecify.annotations.NullMarked;
