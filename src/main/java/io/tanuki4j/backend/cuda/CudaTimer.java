package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import io.tanuki4j.kernel.DeviceTimer;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.FloatPointer;

/** A timer with an event on the stream for each mark. */
final class CudaTimer implements DeviceTimer {
  private final CudaStream stream;
  private final CUevent_st[] marks;
  private final FloatPointer millis = new FloatPointer(1);

  CudaTimer(CudaStream stream, int numMarks) {
    this.stream = stream;
    this.marks = new CUevent_st[numMarks];
    for (int i = 0; i < numMarks; i++) {
      marks[i] = new CUevent_st();
      check(cudart.cudaEventCreate(marks[i]), "cudaEventCreate");
    }
  }

  @Override
  public void mark(int index) {
    stream.requireRunning("mark a point in time");
    check(cudart.cudaEventRecord(marks[index], stream.handle()), "cudaEventRecord");
  }

  @Override
  public double millisBetween(int from, int to) {
    check(cudart.cudaEventSynchronize(marks[to]), "cudaEventSynchronize");
    check(cudart.cudaEventElapsedTime(millis, marks[from], marks[to]), "cudaEventElapsedTime");
    return millis.get();
  }

  @Override
  public void close() {
    for (CUevent_st mark : marks) {
      check(cudart.cudaEventDestroy(mark), "cudaEventDestroy");
    }
    millis.close();
  }
}
