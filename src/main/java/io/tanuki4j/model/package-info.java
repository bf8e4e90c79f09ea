/**
 * The Llama shape as a composition of layers. Calls no collective and names no device: what ranks
 * exchange is inside of the layers.
 *
 * <p>Start reading at GptChunk.
 */
@NullMarked
package io.tanuki4j.model;

import org.jspecify.annotations.NullMarked;
