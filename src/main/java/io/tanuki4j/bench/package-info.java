/**
 * Measures the iterations of a run on random tokens.
 *
 * <p>Start reading at {@link io.tanuki4j.bench.Benchmark}.
 */
@NullMarked
package io.tanuki4j.bench;

import org.jspecify.annotations.NullMarked;
