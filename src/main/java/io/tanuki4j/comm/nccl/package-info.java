/**
 * Ranks that are processes with a GPU each and exchange tensors through NCCL ({@code
 * --distributed-backend nccl}). Every group has a communicator and a stream of its own, so that
 * communication runs beside the device's operations until somebody awaits it. It can be part of
 * what a device records.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.nccl.NcclFactory}.
 */
@NullMarked
package io.tanuki4j.comm.nccl;

import org.jspecify.annotations.NullMarked;
