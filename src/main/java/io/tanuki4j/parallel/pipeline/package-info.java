/**
 * What a pipeline stage owns and in which order it works on it.
 *
 * <p>May import: nn, kernel, tensor. Start reading at {@link
 * io.tanuki4j.parallel.pipeline.ModelChunk}.
 */
@NullMarked
package io.tanuki4j.parallel.pipeline;

import org.jspecify.annotations.NullMarked;
