/**
 * A sequence shared by the ranks of the context-parallel group: which tokens each has, and how
 * attention reaches the keys and values of the others.
 *
 * <p>Start reading at {@link io.tanuki4j.parallel.context.SequenceSharding}.
 */
@NullMarked
package io.tanuki4j.parallel.context;

import org.jspecify.annotations.NullMarked;
