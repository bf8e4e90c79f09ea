package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/**
 * A queue of operations beside the device's own, for communication: the GPU takes it first, since
 * other ranks wait for it.
 */
public final class CudaQueue implements AutoCloseable {
  /** CUDA moves it into the range that the GPU has; lower comes first. */
  private static final int FIRST = -5;

  private final CUstream_st handle = new CUstream_st();

  CudaQueue() {
    check(
        cudart.cudaStreamCreateWithPriority(handle, cudart.cudaStreamNonBlocking, FIRST),
        "cudaStreamCreateWithPriority");
  }

  /** For libraries that take a stream. */
  public CUstream_st handle() {
    return handle;
  }

  /** Marks the end of what is in the queue. */
  public void mark(CudaMark mark) {
    mark.record(handle);
  }

  /** Lets what comes into the queue from now on wait for the mark. */
  public void await(CudaMark mark) {
    mark.holdUp(handle);
  }

  @Override
  public void close() {
    check(cudart.cudaStreamDestroy(handle), "cudaStreamDestroy");
  }
}
