package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;

/**
 * What an algorithm for {@code out[m, n] (+)= opA(a) · opB(b)} depends on, all row-major.
 *
 * @param k the dim that is summed over
 * @param in the type of a and b
 * @param add whether the product is added to out
 * @param alignment of the least aligned tensor, in bytes, at most 256
 */
record MatmulShape(
    Op opA, Op opB, long m, long n, long k, DType in, DType out, boolean add, int alignment) {}
