/**
 * Converts checkpoints to and from other formats and layouts.
 *
 * <p>Start reading at {@link io.tanuki4j.convert.ForeignFormat}.
 */
@NullMarked
package io.tanuki4j.convert;

import org.jspecify.annotations.NullMarked;
