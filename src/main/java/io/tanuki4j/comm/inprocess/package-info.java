/**
 * Ranks that are threads of one JVM ({@code --distributed-backend local}): the laptop's way to run
 * every layout. Nothing hangs: who is missing is named after the time limit, and at once if it has
 * died.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.inprocess.RankThreads}, then Meeting.
 */
@NullMarked
package io.tanuki4j.comm.inprocess;

import org.jspecify.annotations.NullMarked;
