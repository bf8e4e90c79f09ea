package io.tanuki4j.backend.nd4j;

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

/** Where ND4J computes, with tensors in the host's memory. */
final class Nd4jDevice extends HostDevice {
  private final Kernels kernels =
      new Kernels(
          InWorkspace.wrap(MatmulKernels.class, new Nd4jMatmul()),
          InWorkspace.wrap(NormKernels.class, new Nd4jNorm()),
          InWorkspace.wrap(LayerNormKernels.class, new Nd4jLayerNorm()),
          InWorkspace.wrap(RopeKernels.class, new Nd4jRope()),
          InWorkspace.wrap(AttentionKernels.class, new Nd4jAttention()),
          InWorkspace.wrap(ActivationKernels.class, new Nd4jActivation()),
          InWorkspace.wrap(EmbeddingKernels.class, new Nd4jEmbedding()),
          InWorkspace.wrap(LossKernels.class, new Nd4jLoss()),
          InWorkspace.wrap(VocabParallelLossKernels.class, new Nd4jLoss()),
          InWorkspace.wrap(OptimizerKernels.class, new Nd4jOptimizer()),
          InWorkspace.wrap(ElementwiseKernels.class, new Nd4jElementwise()),
          InWorkspace.wrap(RandomKernels.class, new Nd4jRandom()),
          InWorkspace.wrap(Fp8Kernels.class, new Nd4jFp8()));

  Nd4jDevice(String name) {
    super(name);
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }
}
