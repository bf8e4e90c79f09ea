package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.HostMemory;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceInfo;
import io.tanuki4j.kernel.HostStage;
import io.tanuki4j.kernel.HostTensor.View;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;

/** The CPU with one pool of threads. An operation has finished when its call returns. */
final class CpuDevice implements Device {
  private final Workers workers;
  private final Kernels kernels;
  private final HostMemory memory = new HostMemory();

  CpuDevice(int numThreads) {
    workers = new Workers(numThreads);
    kernels = kernels(workers);
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
  public DeviceInfo info() {
    String name = "CPU, %d threads".formatted(workers.size());
    return new DeviceInfo(name, Pointer.totalPhysicalBytes());
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public MemoryScope openScope(String label) {
    return openScope(label, 0);
  }

  @Override
  public MemoryScope openScope(String label, long plannedBytes) {
    return memory.openScope(label, plannedBytes);
  }

  @Override
  public void upload(Tensor destination, ByteBuffer source) {
    memory.upload(destination, source);
  }

  @Override
  public void download(ByteBuffer destination, Tensor source) {
    memory.download(destination, source);
  }

  @Override
  public Optional<View> hostView(Tensor tensor) {
    return memory.view(tensor);
  }

  @Override
  public HostStage openStage(int numSlots, int slotBytes) {
    return memory.openStage(numSlots, slotBytes);
  }

  @Override
  public void synchronize() {}

  @Override
  public long bytesInUse() {
    return memory.bytesHeld();
  }

  @Override
  public long bytesFree() {
    return HostMemory.bytesFree();
  }

  /**
   * @throws IllegalStateException if a scope is still open
   */
  @Override
  public void close() {
    workers.close();
    memory.close();
  }
}
