/**
 * Ranks that are threads of one JVM ({@code --distributed-backend local}), to run every layout on a
 * laptop. Nothing hangs: a missing rank is named after the time limit, and at once if it has died.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.inprocess.RankThreads}, then CollectiveCall.
 */
@NullMarked
package io.tanuki4j.comm.inprocess;

import org.jspecify.annotations.NullMarked;
