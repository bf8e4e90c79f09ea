/**
 * Encodes text into token ids and decodes it.
 *
 * <p>Start reading at {@link io.tanuki4j.tokenizer.Tokenizer}.
 */
@NullMarked
package io.tanuki4j.tokenizer;

import org.jspecify.annotations.NullMarked;
