/**
 * Training with FP8 products (decision 0006 in src/site/markdown/adr): which layers use them, and
 * the scales of their tensors, which are values on the device.
 *
 * <p>May import: nn, kernel, tensor. Start reading at {@link io.tanuki4j.nn.fp8.Fp8State}.
 */
@NullMarked
package io.tanuki4j.nn.fp8;

import org.jspecify.annotations.NullMarked;
