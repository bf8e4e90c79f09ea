/**
 * Text to token ids and back.
 *
 * <p>Start reading at {@link io.tanuki4j.tokenizer.Tokenizer}.
 */
@NullMarked
package io.tanuki4j.tokenizer;

import org.jspecify.annotations.NullMarked;
