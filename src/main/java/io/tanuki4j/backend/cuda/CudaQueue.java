package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/**
 * A queue of operations alongside the device's own, for communication. The GPU schedules it first,
 * since other ranks wait for it.
 */
public final class CudaQueue implements AutoCloseable {
  /** The highest priority, once CUDA clamps it to the GPU's range; lower numbers come first. */
  private static final int FIRST = -5;

  private final CUstream_st handle = new CUstream_st();

  CudaQueue() {
    check(
        cudart.cudaStreamCreateWithPriority(handle, cudart.cudaStreamNonBlocking, FIRST),
        "cudaStreamCreateWithPriority");
  }

  /** Returns the handle, for libraries that take a stream. */
  public CUstream_st handle() {
    return handle;
  }

  /** Marks the end of what is in the queue. */
  public void mark(CudaMark mark) {
    mark.record(handle);
  }

  /** Makes operations queued from now on wait for the mark. */
  public void await(CudaMark mark) {
    mark.holdUp(handle);
  }

  @Override
  public void close() {
    check(cudart.cudaStreamDestroy(handle), "cudaStreamDestroy");
  }
}
