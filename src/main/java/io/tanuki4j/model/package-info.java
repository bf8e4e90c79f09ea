/**
 * The Llama shape as a composition of layers. It calls no collective and names no device:
 * communication is inside the layers.
 *
 * <p>Start reading at GptChunk.
 */
@NullMarked
package io.tanuki4j.model;

import org.jspecify.annotations.NullMarked;
