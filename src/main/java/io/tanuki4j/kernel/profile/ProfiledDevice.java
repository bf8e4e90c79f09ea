package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceInfo;
import io.tanuki4j.kernel.DeviceTimer;
import io.tanuki4j.kernel.HostStage;
import io.tanuki4j.kernel.HostTensor.View;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.Readback;
import io.tanuki4j.kernel.Replay;
import io.tanuki4j.kernel.Stopwatches;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Another device, whose kernels can be timed call by call. Between {@link #startProfile} and {@link
 * #stopProfile} recorded work is issued again instead of replayed, so that each operation can be
 * timed. Otherwise it is replayed as usual.
 *
 * <p>A time begins when the device reaches a call and ends when the call is done. Where the host
 * calls more slowly than a GPU works, the launch latency is part of the time. So a profile is
 * accurate for shapes that keep the GPU busy, and too high for tiny ones.
 */
public final class ProfiledDevice implements Device {
  private final Device device;
  private final CallRecorder recorder;
  private final Kernels kernels;
  private CallTotals totals = new CallTotals();

  /**
   * @param device closed with this one
   */
  public ProfiledDevice(Device device) {
    this.device = device;
    this.recorder = new CallRecorder(device);
    this.kernels = profiled(device.kernels(), recorder);
  }

  private static Kernels profiled(Kernels kernels, CallRecorder recorder) {
    return new Kernels(
        new ProfiledMatmul(kernels.matmul(), recorder),
        new ProfiledNorm(kernels.norm(), recorder),
        new ProfiledLayerNorm(kernels.layerNorm(), recorder),
        new ProfiledRope(kernels.rope(), recorder),
        new ProfiledAttention(kernels.attention(), recorder),
        new ProfiledActivation(kernels.activation(), recorder),
        new ProfiledEmbedding(kernels.embedding(), recorder),
        new ProfiledLoss(kernels.loss(), recorder),
        new ProfiledVocabParallelLoss(kernels.vocabParallelLoss(), recorder),
        new ProfiledOptimizer(kernels.optimizer(), recorder),
        new ProfiledElementwise(kernels.elementwise(), recorder),
        new ProfiledRandom(kernels.random(), recorder),
        new ProfiledFp8(kernels.fp8(), recorder));
  }

  /** Times every call from now on. */
  public void startProfile() {
    totals = new CallTotals();
    recorder.start(totals);
  }

  /**
   * Ends the timing. Waits for the device.
   *
   * @param iterations that were run since the start, for the means
   */
  public KernelProfile stopProfile(int iterations) {
    recorder.stop();
    return new KernelProfile(totals.rows(), iterations);
  }

  /**
   * Begins to add every call to a trace. Waits for the device, so that the host's clock and the
   * device's agree.
   *
   * @param rank of this device
   */
  public Trace startTrace(int rank) {
    device.synchronize();
    Trace trace = new Trace(rank, System.nanoTime());
    recorder.start(trace);
    return trace;
  }

  /** Ends a trace. Waits for the device. */
  public void stopTrace() {
    recorder.stop();
  }

  /** Waits for other ranks, and times it as a call. */
  public void await(String group, Runnable wait) {
    recorder.time(
        () -> new KernelCall(KernelFamily.COMMUNICATION, "wait for " + group, group, 0, 0), wait);
  }

  @Override
  public HostStage openStage(int numSlots, int slotBytes) {
    return device.openStage(numSlots, slotBytes);
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  /** Records work; while calls are timed, not before its first repetition after that. */
  @Override
  public Replay record(Runnable work) {
    return new ProfiledReplay(work);
  }

  /** Repeats work: operation by operation while calls are timed, else as a recording. */
  private final class ProfiledReplay implements Replay {
    private final Runnable work;
    private @Nullable Replay recording;

    ProfiledReplay(Runnable work) {
      this.work = work;
      if (!recorder.isOn()) {
        recording = device.record(work);
      }
    }

    @Override
    public void run() {
      if (recorder.isOn()) {
        work.run();
        return;
      }
      if (recording == null) {
        recording = device.record(work);
      }
      recording.run();
    }

    @Override
    public void close() {
      if (recording != null) {
        recording.close();
      }
    }
  }

  @Override
  public DeviceInfo info() {
    return device.info();
  }

  @Override
  public MemoryScope openScope(String label) {
    return device.openScope(label);
  }

  @Override
  public MemoryScope openScope(String label, long plannedBytes) {
    return device.openScope(label, plannedBytes);
  }

  @Override
  public void upload(Tensor destination, ByteBuffer source) {
    device.upload(destination, source);
  }

  @Override
  public void download(ByteBuffer destination, Tensor source) {
    device.download(destination, source);
  }

  @Override
  public Readback readBack(Tensor source) {
    return device.readBack(source);
  }

  @Override
  public Optional<View> hostView(Tensor tensor) {
    return device.hostView(tensor);
  }

  @Override
  public void synchronize() {
    device.synchronize();
  }

  @Override
  public DeviceTimer openTimer(int numMarks) {
    return device.openTimer(numMarks);
  }

  @Override
  public Stopwatches openStopwatches(int number) {
    return device.openStopwatches(number);
  }

  @Override
  public void issueApart(Runnable communication) {
    device.issueApart(communication);
  }

  @Override
  public DoubleSupplier energyCounter() {
    return device.energyCounter();
  }

  @Override
  public long bytesInUse() {
    return device.bytesInUse();
  }

  @Override
  public long bytesHeld() {
    return device.bytesHeld();
  }

  @Override
  public Optional<String> obstacleToFp8() {
    return device.obstacleToFp8();
  }

  @Override
  public long bytesFree() {
    return device.bytesFree();
  }

  @Override
  public void close() {
    recorder.close();
    device.close();
  }
}
