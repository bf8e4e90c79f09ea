/**
 * Ranks that are processes with a GPU each and exchange tensors through NCCL ({@code
 * --distributed-backend nccl}). Every group has its own communicator and stream, so communication
 * overlaps the device's operations until it is awaited. A device can record it.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.nccl.NcclFactory}.
 */
@NullMarked
package io.tanuki4j.comm.nccl;

import org.jspecify.annotations.NullMarked;
