package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.FloatPointer;

/** Measures how long the GPU works on what is issued between two calls. */
final class CudaTimer implements AutoCloseable {
  private final CudaStream stream;
  private final CUevent_st begin = new CUevent_st();
  private final CUevent_st end = new CUevent_st();
  private final FloatPointer millis = new FloatPointer(1);

  CudaTimer(CudaStream stream) {
    this.stream = stream;
    check(cudart.cudaEventCreate(begin), "cudaEventCreate");
    check(cudart.cudaEventCreate(end), "cudaEventCreate");
  }

  void start() {
    stream.requireRunning("measure");
    check(cudart.cudaEventRecord(begin, stream.handle()), "cudaEventRecord");
  }

  /** Waits for the GPU; milliseconds since {@link #start}. */
  double stopMillis() {
    check(cudart.cudaEventRecord(end, stream.handle()), "cudaEventRecord");
    check(cudart.cudaEventSynchronize(end), "cudaEventSynchronize");
    check(cudart.cudaEventElapsedTime(millis, begin, end), "cudaEventElapsedTime");
    return millis.get();
  }

  @Override
  public void close() {
    check(cudart.cudaEventDestroy(begin), "cudaEventDestroy");
    check(cudart.cudaEventDestroy(end), "cudaEventDestroy");
  }
}
