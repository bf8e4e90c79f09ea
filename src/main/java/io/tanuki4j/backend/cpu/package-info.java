/**
 * The backend for CPUs: matrix products by OpenBLAS, row kernels as plain fused loops over one pool
 * of Java threads, in fp32, fp64 and bf16 and fp16.
 *
 * <p>Start reading at {@link io.tanuki4j.backend.cpu.CpuBackend}.
 */
@NullMarked
package io.tanuki4j.backend.cpu;

import org.jspecify.annotations.NullMarked;
