/**
 * Continues texts with the model of a checkpoint.
 *
 * <p>Start reading at {@link io.tanuki4j.generate.InferenceModel}.
 */
@NullMarked
package io.tanuki4j.generate;

import org.jspecify.annotations.NullMarked;
