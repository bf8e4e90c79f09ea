package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.Kernels;

/** The kernel families of a device, and the GPU resources that they hold. */
final class CudaKernels implements AutoCloseable {
  private final CudaModules modules;
  private final CudaMatmul matmul;
  private final CudaAttention attention;
  private final Kernels families;

  CudaKernels(CudaGpu gpu, CudaOptions options, CudaStream stream, CudaWorkspace workspace) {
    DiskCache cache = new DiskCache(options.cacheFolder());
    modules = new CudaModules(gpu.architecture(), cache, stream);
    matmul = new CudaMatmul(stream, workspace, cache, gpu.name());
    attention =
        new CudaAttention(
            new CudnnAttention(
                stream, modules, workspace, gpu.capability(), options.deterministicAttention()),
            new PlainAttention(modules, workspace));
    families =
        new Kernels(
            matmul,
            new CudaNorm(modules, workspace, gpu.multiprocessors()),
            new CudaLayerNorm(modules, workspace),
            new CudaRope(modules),
            attention,
            new CudaActivation(modules),
            new CudaEmbedding(modules),
            new CudaLoss(modules, workspace),
            new CudaVocabParallelLoss(modules),
            new CudaOptimizer(modules, workspace, gpu.multiprocessors()),
            new CudaElementwise(modules, stream, workspace),
            new CudaRandom(modules),
            new CudaFp8(modules, matmul, gpu.multiprocessors()));
  }

  /** Opens stopwatches of the device that has these kernels. */
  CudaStopwatches openStopwatches(CudaDevice device, int number) {
    return new CudaStopwatches(device, modules, number);
  }

  Kernels families() {
    return families;
  }

  @Override
  public void close() {
    matmul.close();
    attention.close();
    modules.close();
  }
}
