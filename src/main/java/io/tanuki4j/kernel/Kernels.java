package io.tanuki4j.kernel;

/**
 * Every operation of training. The first arguments of an operation are its outputs, allocated by
 * the caller; each forward has its backward beside it. Inputs and outputs are contiguous, floating
 * types of one call agree unless a method says otherwise, and sums are accumulated in at least fp32
 * (fp64 for fp64 tensors).
 */
public interface Kernels
    extends MatmulKernels,
        NormKernels,
        RopeKernels,
        AttentionKernels,
        ActivationKernels,
        EmbeddingKernels,
        LossKernels,
        VocabParallelLossKernels,
        OptimizerKernels,
        ElementwiseKernels,
        RandomKernels {}
