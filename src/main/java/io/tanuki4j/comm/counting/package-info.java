/**
 * Groups that send nothing. They count what a rank of any layout would hold and send, without the
 * other ranks.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.counting.CountingFactory}.
 */
@NullMarked
package io.tanuki4j.comm.counting;

import org.jspecify.annotations.NullMarked;
