package io.tanuki4j.backend.nd4j;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.backend.host.HostDevice;
import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.kernel.EmbeddingKernels;
import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.LayerNormKernels;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.kernel.NormKernels;
import io.tanuki4j.kernel.OptimizerKernels;
import io.tanuki4j.kernel.RandomKernels;
import io.tanuki4j.kernel.RopeKernels;
import io.tanuki4j.kernel.VocabParallelLossKernels;

/**
 * Where ND4J computes, with tensors in the host's memory. An operation has finished when its call
 * returns.
 */
final class Nd4jDevice extends HostDevice {
  private final BlockStack scratch = new BlockStack("scratch of fp8 operations", 0);
  private final Kernels kernels;

  Nd4jDevice(String name) {
    super(name);
    this.kernels = kernels(scratch);
  }

  private static Kernels kernels(BlockStack scratch) {
    Nd4jElementwise elementwise = new Nd4jElementwise();
    Nd4jNorm norm = new Nd4jNorm(elementwise);
    Nd4jActivation activation = new Nd4jActivation();
    Nd4jFp8 fp8 = new Nd4jFp8(elementwise, norm, activation, scratch);
    return new Kernels(
        InWorkspace.wrap(MatmulKernels.class, new Nd4jMatmul()),
        InWorkspace.wrap(NormKernels.class, norm),
        InWorkspace.wrap(LayerNormKernels.class, new Nd4jLayerNorm()),
        InWorkspace.wrap(RopeKernels.class, new Nd4jRope()),
        InWorkspace.wrap(AttentionKernels.class, new Nd4jAttention()),
        InWorkspace.wrap(ActivationKernels.class, activation),
        InWorkspace.wrap(EmbeddingKernels.class, new Nd4jEmbedding()),
        InWorkspace.wrap(LossKernels.class, new Nd4jLoss()),
        InWorkspace.wrap(VocabParallelLossKernels.class, new Nd4jVocabParallelLoss()),
        InWorkspace.wrap(OptimizerKernels.class, new Nd4jOptimizer()),
        InWorkspace.wrap(ElementwiseKernels.class, elementwise),
        InWorkspace.wrap(RandomKernels.class, new Nd4jRandom()),
        InWorkspace.wrap(Fp8Kernels.class, fp8));
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  /**
   * @throws IllegalStateException if a scope is still open
   */
  @Override
  public void close() {
    scratch.free();
    super.close();
  }
}
