package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceInfo;
import io.tanuki4j.kernel.DeviceTimer;
import io.tanuki4j.kernel.HostStage;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.Readback;
import io.tanuki4j.kernel.Replay;
import io.tanuki4j.kernel.Stopwatches;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * One GPU with one stream of operations, for one thread: the CUDA context belongs to the thread
 * that opened it. Communication on the GPU has queues of its own alongside that stream, ordered by
 * marks.
 */
public final class CudaDevice implements Device {
  private final CudaGpu gpu;
  private final CudaStream stream;
  private final CudaMemory memory;
  private final CudaWorkspace workspace;
  private final PinnedStaging staging;
  private final CudaKernels kernels;
  private final CudaMark now;

  /** The point behind which communication is issued apart; null while none is. */
  private @Nullable CudaMark apart;

  CudaDevice(CudaGpu gpu, CudaOptions options) {
    this.gpu = gpu;
    check(cudart.cudaSetDevice(gpu.ordinal()), "cudaSetDevice");
    check(cudart.cudaFree(null), "cudaFree"); // makes the context
    stream = new CudaStream();
    memory = new CudaMemory(stream);
    workspace = new CudaWorkspace(memory);
    staging = new PinnedStaging(stream);
    now = new CudaMark();
    kernels = new CudaKernels(gpu, options, stream, workspace);
  }

  @Override
  public DeviceInfo info() {
    PeakRates peak = PeakRates.of(gpu.name());
    return new DeviceInfo(gpu.name(), gpu.memoryBytes(), peak.bf16(), peak.fp8());
  }

  @Override
  public Kernels kernels() {
    return kernels.families();
  }

  @Override
  public MemoryScope openScope(String label) {
    return openScope(label, 0);
  }

  @Override
  public MemoryScope openScope(String label, long plannedBytes) {
    CudaStack stack = new CudaStack(label, memory, plannedBytes);
    return new CudaScope(label, stack, stack::free);
  }

  @Override
  public void upload(Tensor destination, ByteBuffer source) {
    Device.requireSize("upload", source, destination);
    staging.upload(Address.of(destination), source);
  }

  @Override
  public void download(ByteBuffer destination, Tensor source) {
    Device.requireSize("download", destination, source);
    staging.download(destination, Address.of(source));
  }

  @Override
  public Readback readBack(Tensor source) {
    return staging.readBack(Address.of(source), Math.toIntExact(source.numBytes()));
  }

  @Override
  public HostStage openStage(int numSlots, int slotBytes) {
    return new PinnedStage(stream, numSlots, slotBytes);
  }

  @Override
  public void synchronize() {
    stream.synchronize();
  }

  @Override
  public Replay record(Runnable work) {
    return new CudaReplay(stream, workspace, work);
  }

  @Override
  public DeviceTimer openTimer(int numMarks) {
    return new CudaTimer(stream, numMarks);
  }

  @Override
  public Stopwatches openStopwatches(int number) {
    return kernels.openStopwatches(this, number);
  }

  /** Does something on the host now; within a recording, instead after each of its launches. */
  public void onHost(Runnable action) {
    HostPart recording = stream.recording();
    if (recording == null) {
      action.run();
    } else {
      recording.add(action);
    }
  }

  /** Opens another queue of operations, which runs alongside the device's. */
  public CudaQueue openQueue() {
    return new CudaQueue();
  }

  /**
   * Opens the memory of GPUs of other processes on this machine.
   *
   * @param rank of this process among them
   */
  public CudaPeers openPeers(int rank, int numPeers) {
    return new CudaPeers(this, gpu, rank, numPeers);
  }

  public CudaMark openMark() {
    return new CudaMark();
  }

  @Override
  public void issueApart(Runnable communication) {
    HostPart recording = stream.recording();
    if (recording == null) {
      communication.run();
      return;
    }
    CudaMark here = recording.openMark();
    here.recordInGraph(stream.handle());
    recording.add(
        () -> {
          apart = here;
          communication.run();
          apart = null;
        });
  }

  /** Makes a queue wait for all operations called so far, or before what is issued apart. */
  public void holdUp(CudaQueue queue) {
    if (apart == null) {
      now.record(stream.handle());
      queue.await(now);
    } else {
      queue.await(apart);
    }
  }

  /** Makes operations called from now on wait for the mark; the host does not wait. */
  public void await(CudaMark mark) {
    mark.holdUp(stream.handle());
  }

  /**
   * Makes recorded operations from now on wait for a mark that is set outside: at each replay, for
   * its latest setting.
   */
  public void awaitOutside(CudaMark mark) {
    mark.holdUpInGraph(stream.handle());
  }

  /**
   * Returns a pointer to a tensor, for libraries that take pointers.
   *
   * @throws IllegalArgumentException if the tensor is not in GPU memory
   */
  public static Pointer pointer(Tensor tensor) {
    return new Address(Address.of(tensor));
  }

  /** Returns whether operations are now recorded instead of run. */
  public boolean isRecording() {
    return stream.isRecording();
  }

  /** Lets another thread call libraries that use this GPU, though not the device itself. */
  public void bindToThread() {
    check(cudart.cudaSetDevice(gpu.ordinal()), "cudaSetDevice");
  }

  /**
   * Registers an action to run whenever the host has waited for the GPU. It may throw errors that
   * the wait did not show.
   */
  public void afterEachWait(Runnable action) {
    stream.afterEachWait(action);
  }

  /**
   * Returns how long the host has been waiting for the GPU now, 0 if it is not; any thread may ask.
   */
  public long nanosWaited() {
    return stream.nanosWaited();
  }

  @Override
  public long bytesInUse() {
    return memory.bytesHeld() - workspace.bytesHeld();
  }

  @Override
  public long bytesHeld() {
    return memory.bytesHeld();
  }

  @Override
  public DoubleSupplier energyCounter() {
    return new NvmlEnergy(gpu);
  }

  @Override
  public Optional<String> obstacleToFp8() {
    return gpu.capability().obstacleToFp8(gpu.name());
  }

  @Override
  public long bytesFree() {
    return memory.bytesFree();
  }

  /**
   * @throws IllegalStateException if a scope is still open
   */
  @Override
  public void close() {
    stream.synchronize();
    kernels.close();
    now.close();
    staging.close();
    workspace.close();
    String open = memory.holders();
    stream.close();
    if (!open.isEmpty()) {
      throw new IllegalStateException("the device is closed while scopes are open: " + open);
    }
  }
}
