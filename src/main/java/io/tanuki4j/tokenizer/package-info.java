/**
 * Text to token ids and back.
 *
 * <p>May import: the JDK, djl's sentencepiece. Start reading at {@link
 * io.tanuki4j.tokenizer.Tokenizer}.
 */
@NullMarked
package io.tanuki4j.tokenizer;

import org.jspecify.annotations.NullMarked;
