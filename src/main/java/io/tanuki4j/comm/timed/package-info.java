/**
 * Groups that measure how long a rank waits for others.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.timed.TimedFactory}.
 */
@NullMarked
package io.tanuki4j.comm.timed;

import org.jspecify.annotations.NullMarked;
