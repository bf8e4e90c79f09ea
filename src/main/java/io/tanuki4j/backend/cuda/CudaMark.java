package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/** A point in a queue of operations, for which others can wait. It can be set again and again. */
public final class CudaMark implements AutoCloseable {
  private final CUevent_st event = new CUevent_st();

  CudaMark() {
    check(
        cudart.cudaEventCreateWithFlags(event, cudart.cudaEventDisableTiming),
        "cudaEventCreateWithFlags");
  }

  void record(CUstream_st stream) {
    check(cudart.cudaEventRecord(event, stream), "cudaEventRecord");
  }

  void holdUp(CUstream_st stream) {
    check(cudart.cudaStreamWaitEvent(stream, event, 0), "cudaStreamWaitEvent");
  }

  /** Becomes part of the recording that captures the stream: each of its launches sets the mark. */
  void recordInGraph(CUstream_st stream) {
    check(
        cudart.cudaEventRecordWithFlags(event, stream, cudart.cudaEventRecordExternal),
        "cudaEventRecordWithFlags");
  }

  /**
   * Becomes part of the recording that captures the stream: each of its launches waits for the mark
   * as it was set last before the launch.
   */
  void holdUpInGraph(CUstream_st stream) {
    check(
        cudart.cudaStreamWaitEvent(stream, event, cudart.cudaEventWaitExternal),
        "cudaStreamWaitEvent");
  }

  /** Returns whether the GPU has reached it; any thread that is bound to the GPU may ask. */
  public boolean isOver() {
    int status = cudart.cudaEventQuery(event);
    if (status == cudart.cudaErrorNotReady) {
      return false;
    }
    check(status, "cudaEventQuery");
    return true;
  }

  @Override
  public void close() {
    check(cudart.cudaEventDestroy(event), "cudaEventDestroy");
  }
}
