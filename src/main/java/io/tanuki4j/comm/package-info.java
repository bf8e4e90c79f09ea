/**
 * What ranks exchange: groups of ranks that call collectives together, how processes find each
 * other, and the arithmetic of reductions on the host. Threads, sockets and NCCL are packages below
 * this one.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.ProcessGroup}.
 */
@NullMarked
package io.tanuki4j.comm;

import org.jspecify.annotations.NullMarked;
