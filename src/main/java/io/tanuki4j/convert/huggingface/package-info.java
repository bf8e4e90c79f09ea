/**
 * Llama folders of the transformers library: {@code config.json} in the spellings of its versions 4
 * and 5, safetensors files with or without an index, files of the tokenizer.
 *
 * <p>Start reading at {@link io.tanuki4j.convert.huggingface.HfFolder}.
 */
@NullMarked
package io.tanuki4j.convert.huggingface;

import org.jspecify.annotations.NullMarked;
