package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;

/**
 * What an algorithm for {@code out[m, n] (+)= opA(a) · opB(b)} depends on, all row-major.
 *
 * @param k the dim that is summed over
 * @param inA the type of a
 * @param inB the type of b: the same, unless both are FP8
 * @param add whether the product is added to out
 * @param fast whether sums of FP8 products stay in the matrix unit
 * @param alignment of the least aligned tensor, in bytes, at most 256
 */
record MatmulShape(
    Op opA,
    Op opB,
    long m,
    long n,
    long k,
    DType inA,
    DType inB,
    DType out,
    boolean add,
    boolean fast,
    int alignment) {}
