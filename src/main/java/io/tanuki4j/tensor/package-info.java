/**
 * A tensor is a shape, an element type and a place in memory: no arithmetic, no native library.
 *
 * <p>Start reading at {@link io.tanuki4j.tensor.Tensor}.
 */
@NullMarked
package io.tanuki4j.tensor;

import org.jspecify.annotations.NullMarked;
