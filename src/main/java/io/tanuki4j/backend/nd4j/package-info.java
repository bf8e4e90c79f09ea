/**
 * The reference backend for CPUs: matrix products by ND4J's BLAS, row kernels as plain fused loops
 * over one pool of Java threads. Slow where it must be, obvious, in fp32 and fp64.
 *
 * <p>Start reading at Nd4jBackend.
 */
@NullMarked
package io.tanuki4j.backend.nd4j;

import org.jspecify.annotations.NullMarked;
