package io.tanuki4j.kernel;

/**
 * The operations of training, in families; a layer takes the family it uses. The first arguments of
 * an operation are its outputs, allocated by the caller; each forward stands next to its backward.
 * Inputs and outputs are contiguous. The floating types of one call agree unless a method says
 * otherwise. Sums are accumulated in at least fp32 (fp64 for fp64 tensors).
 */
public record Kernels(
    MatmulKernels matmul,
    NormKernels norm,
    LayerNormKernels layerNorm,
    RopeKernels rope,
    AttentionKernels attention,
    ActivationKernels activation,
    EmbeddingKernels embedding,
    LossKernels loss,
    VocabParallelLossKernels vocabParallelLoss,
    OptimizerKernels optimizer,
    ElementwiseKernels elementwise,
    RandomKernels random,
    Fp8Kernels fp8) {}
