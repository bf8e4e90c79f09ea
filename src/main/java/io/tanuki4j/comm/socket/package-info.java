/**
 * Ranks that are processes and exchange tensors over TCP ({@code --distributed-backend gloo}):
 * machines without GPUs, and tests. Every rank of a group is connected to every other; sums are
 * made in the order of the ranks, so that results equal those of {@code comm.inprocess} in every
 * bit.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.socket.SocketFactory}, then SocketGroup and
 * CollectiveTransfer.
 */
@NullMarked
package io.tanuki4j.comm.socket;

import org.jspecify.annotations.NullMarked;
