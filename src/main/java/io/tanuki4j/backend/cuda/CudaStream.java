package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.jspecify.annotations.Nullable;

/** The queue of a device's operations, which can record them instead of running them. */
final class CudaStream implements AutoCloseable {
  private final CUstream_st handle = new CUstream_st();
  private @Nullable HostPart recording;
  private volatile long waitingSince;
  private Runnable afterWait = () -> {};

  CudaStream() {
    check(
        cudart.cudaStreamCreateWithFlags(handle, cudart.cudaStreamNonBlocking),
        "cudaStreamCreateWithFlags");
  }

  CUstream_st handle() {
    return handle;
  }

  boolean isRecording() {
    return recording != null;
  }

  /**
   * Returns what the host does behind each launch of the recording in progress; null without one.
   */
  @Nullable HostPart recording() {
    return recording;
  }

  void synchronize() {
    requireRunning("wait for the GPU");
    waitingSince = System.nanoTime();
    int status = cudart.cudaStreamSynchronize(handle);
    endWait(status, "cudaStreamSynchronize");
  }

  /** Waits until the GPU has reached an event. */
  void synchronize(CUevent_st event) {
    waitingSince = System.nanoTime();
    int status = cudart.cudaEventSynchronize(event);
    endWait(status, "cudaEventSynchronize");
  }

  private void endWait(int status, String call) {
    waitingSince = 0;
    afterWait.run();
    check(status, call);
  }

  /** Registers an action to run whenever the host has waited for the GPU. */
  void afterEachWait(Runnable action) {
    afterWait = action;
  }

  /** Returns how long the host has been waiting for the GPU now; any thread may ask. */
  long nanosWaited() {
    long since = waitingSince;
    return since == 0 ? 0 : System.nanoTime() - since;
  }

  HostPart beginRecording() {
    requireRunning("record");
    check(
        cudart.cudaStreamBeginCapture(handle, cudart.cudaStreamCaptureModeThreadLocal),
        "cudaStreamBeginCapture");
    HostPart begun = new HostPart();
    recording = begun;
    return begun;
  }

  /**
   * Ends the recording and returns the operations since {@link #beginRecording}; the caller
   * destroys the graph.
   */
  CUgraph_st endRecording() {
    recording = null;
    CUgraph_st graph = new CUgraph_st();
    check(cudart.cudaStreamEndCapture(handle, graph), "cudaStreamEndCapture");
    return graph;
  }

  /** Ends a recording whose work has failed; the failure is the one worth reporting. */
  void abandonRecording() {
    recording = null;
    CUgraph_st graph = new CUgraph_st();
    if (cudart.cudaStreamEndCapture(handle, graph) == cudart.cudaSuccess) {
      check(cudart.cudaGraphDestroy(graph), "cudaGraphDestroy");
    }
  }

  /**
   * @throws IllegalStateException during a recording, in which {@code what} is not allowed
   */
  void requireRunning(String what) {
    if (recording != null) {
      throw new IllegalStateException(
          "cannot %s in a recording. Run the work once before it is recorded, and keep uploads,"
                  .formatted(what)
              + " downloads and synchronization out of it.");
    }
  }

  @Override
  public void close() {
    check(cudart.cudaStreamDestroy(handle), "cudaStreamDestroy");
  }
}
