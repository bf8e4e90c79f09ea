/**
 * JSON lines to the token files that training reads, as Megatron's tools/preprocess_data.py makes
 * them.
 *
 * <p>Start reading at {@link io.tanuki4j.data.preprocess.Preprocessor}.
 */
@NullMarked
package io.tanuki4j.data.preprocess;

import org.jspecify.annotations.NullMarked;
