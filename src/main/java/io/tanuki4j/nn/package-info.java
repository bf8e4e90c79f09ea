/**
 * Layers, each with a hand-written backward (decision 0001 in src/site/markdown/adr).
 *
 * <p>Shape legend, used everywhere: {@code s} sequence, {@code b} micro-batch size, {@code h}
 * hidden size, {@code n} heads, {@code g} query groups, {@code d} head dim, {@code f} feed-forward
 * size, {@code v} padded vocabulary, {@code t = s·b} tokens. Hidden states are {@code [s, b, h]}.
 *
 * <p>Start reading at {@link io.tanuki4j.nn.Layer}.
 */
@NullMarked
package io.tanuki4j.nn;

import org.jspecify.annotations.NullMarked;
