/**
 * Who works on which part: the arithmetic of ranks, the rules that a layout keeps, and the groups
 * of ranks that are passed to whatever communicates.
 *
 * <p>Start reading at {@link io.tanuki4j.parallel.ParallelContext}.
 */
@NullMarked
package io.tanuki4j.parallel;

import org.jspecify.annotations.NullMarked;
