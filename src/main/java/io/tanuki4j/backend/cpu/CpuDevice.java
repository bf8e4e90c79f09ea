package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.HostDevice;
import io.tanuki4j.kernel.Kernels;

/** The CPU with one pool of threads. */
final class CpuDevice extends HostDevice {
  private final Workers workers;
  private final Kernels kernels;

  CpuDevice(int numThreads) {
    this(new Workers(numThreads));
  }

  private CpuDevice(Workers workers) {
    super("CPU, %d threads".formatted(workers.size()));
    this.workers = workers;
    this.kernels = kernels(workers);
  }

  private static Kernels kernels(Workers workers) {
    CpuElementwise elementwise = new CpuElementwise(workers);
    CpuMatmul matmul = new CpuMatmul(workers, elementwise);
    CpuNorm norm = new CpuNorm(workers, elementwise);
    CpuActivation activation = new CpuActivation(workers);
    return new Kernels(
        matmul,
        norm,
        new CpuLayerNorm(workers),
        new CpuRope(workers),
        new CpuAttention(workers, elementwise),
        activation,
        new CpuEmbedding(workers),
        new CpuLoss(workers),
        new CpuVocabParallelLoss(workers),
        new CpuOptimizer(workers),
        elementwise,
        new CpuRandom(workers),
        new CpuFp8(workers, elementwise, matmul, norm, activation));
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
    workers.close();
    super.close();
  }
}
