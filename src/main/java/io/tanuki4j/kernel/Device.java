package io.tanuki4j.kernel;

import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.HostTensor.View;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.function.DoubleSupplier;

/** One device, owned by the thread of one rank. Operations run in the order they are called. */
public interface Device extends AutoCloseable {
  /** The limit of {@link #readBack}. */
  int MAX_READBACK_BYTES = 4096;

  DeviceInfo info();

  Kernels kernels();

  /**
   * Opens a new root scope of memory.
   *
   * @param label appears in the messages about leaks and lack of memory
   */
  MemoryScope openScope(String label);

  /**
   * Opens a root scope whose size is known. It takes {@code plannedBytes} at once, as one block,
   * and grows only if more is asked for.
   */
  default MemoryScope openScope(String label, long plannedBytes) {
    return openScope(label);
  }

  /**
   * Copies the remaining bytes of {@code source} (little-endian elements) into {@code destination},
   * whose size they must have. The source may be reused when the call returns.
   */
  void upload(Tensor destination, ByteBuffer source);

  /**
   * Copies a tensor to the host, once all earlier operations have finished. Only this call, {@link
   * #synchronize} and {@link Readback#await} make the host wait.
   */
  void download(ByteBuffer destination, Tensor source);

  /**
   * Checks that a host buffer has as many bytes left as the tensor has.
   *
   * @param what the call, for the message
   */
  static void requireSize(String what, ByteBuffer host, Tensor tensor) {
    if (host.remaining() != tensor.numBytes()) {
      throw new IllegalArgumentException(
          "%s of %s: %d bytes on the host (expected: %d)"
              .formatted(what, tensor, host.remaining(), tensor.numBytes()));
    }
  }

  /**
   * Begins to copy a tensor of at most {@value #MAX_READBACK_BYTES} bytes to the host, behind all
   * operations called so far. The host does not wait; two copies may be in flight.
   */
  default Readback readBack(Tensor source) {
    int bytes = Math.toIntExact(source.numBytes());
    ByteBuffer host = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    download(host, source);
    return host::rewind;
  }

  /**
   * Takes host memory for copies of tensors that other threads read.
   *
   * @param slotBytes size of each slot
   */
  default HostStage openStage(int numSlots, int slotBytes) {
    return HostStage.direct(numSlots, slotBytes, this::download);
  }

  /**
   * Returns the tensor's bytes in place, where all earlier operations have finished and the host
   * can reach the memory. Otherwise it is empty, and {@link #download} has to copy.
   */
  default Optional<View> hostView(Tensor tensor) {
    return Optional.empty();
  }

  /** Waits until every operation called so far has finished. */
  void synchronize();

  /**
   * Makes work repeatable: {@link Replay#run} does what {@code work} does, if possible without
   * issuing each of its operations again (CUDA graphs). Recording itself does not run the work's
   * operations.
   *
   * <p>The work must have been run once before, with the scopes at the same height. That first run
   * takes memory and chooses algorithms, which a recording cannot. It must not upload, download or
   * synchronize. A replay uses the same addresses without allocating, so nothing else may hold them
   * then. The next work may use what this work left in its scopes. Whatever changes from run to run
   * has to be in tensors.
   */
  default Replay record(Runnable work) {
    return new Replay() {
      @Override
      public void run() {
        work.run();
      }

      @Override
      public void close() {}
    };
  }

  /**
   * Starts communication that nothing in the recording around it waits for. It begins when the
   * device has finished all operations called so far, and is not recorded: each replay issues it
   * anew. Without a recording it is issued at once.
   */
  default void issueApart(Runnable communication) {
    communication.run();
  }

  /**
   * Opens a timer of this device's work. It uses the host's clock unless the device runs operations
   * later than they are called. Close it before the device.
   *
   * @param numMarks points in time that it holds
   */
  default DeviceTimer openTimer(int numMarks) {
    return new HostTimer(numMarks);
  }

  /**
   * Opens stopwatches of this device's work, which may be recorded. They use the host's clock
   * unless the device runs operations later than they are called. Close them before the device.
   */
  default Stopwatches openStopwatches(int number) {
    return new HostStopwatches(number);
  }

  /**
   * Opens the counter of the joules that the device has used, from any origin.
   *
   * @throws UserException if there is none, with the reason
   */
  default DoubleSupplier energyCounter() {
    throw new UserException(
        "%s has no energy counter (expected: a GPU whose energy NVML counts)."
            .formatted(info().name()));
  }

  /** Returns why the device does not support FP8 products; empty if it does. */
  default Optional<String> obstacleToFp8() {
    return Optional.empty();
  }

  /** Returns the bytes of device memory now held by scopes of this device. */
  long bytesInUse();

  /** Returns the same plus what the device's kernels hold for their own use. */
  default long bytesHeld() {
    return bytesInUse();
  }

  /** Returns the free bytes of device memory; the largest number where that is unknown. */
  default long bytesFree() {
    return Long.MAX_VALUE;
  }

  @Override
  void close();
}
