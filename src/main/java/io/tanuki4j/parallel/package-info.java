/**
 * The division of the work among ranks: the arithmetic of ranks, the rules for layouts, and the
 * groups of ranks passed to whatever communicates.
 *
 * <p>Start reading at {@link io.tanuki4j.parallel.ParallelContext}.
 */
@NullMarked
package io.tanuki4j.parallel;

import org.jspecify.annotations.NullMarked;
