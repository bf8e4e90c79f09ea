package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkDnn;

import org.bytedeco.cuda.cudnn.cudnnBackendDescriptor_t;
import org.bytedeco.cuda.global.cudnn;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * An object of cuDNN's backend API. It is created, given attributes and finalized, and is immutable
 * from then on.
 */
final class CudnnDescriptor implements AutoCloseable {
  private final cudnnBackendDescriptor_t handle = new cudnnBackendDescriptor_t();

  /**
   * @param type one of cuDNN's {@code CUDNN_BACKEND_…_DESCRIPTOR}
   */
  CudnnDescriptor(int type) {
    checkDnn(cudnn.cudnnBackendCreateDescriptor(type, handle), "cudnnBackendCreateDescriptor");
  }

  cudnnBackendDescriptor_t handle() {
    return handle;
  }

  /** Sets a 64-bit attribute: integers, handles, pointers. */
  CudnnDescriptor set(int attribute, int type, long... values) {
    try (LongPointer pointer = new LongPointer(values)) {
      return set(attribute, type, values.length, pointer);
    }
  }

  /** Sets an enumeration, or a 32-bit integer. */
  CudnnDescriptor setInt(int attribute, int type, int value) {
    try (IntPointer pointer = new IntPointer(new int[] {value})) {
      return set(attribute, type, 1, pointer);
    }
  }

  CudnnDescriptor setTrue(int attribute) {
    try (BytePointer pointer = new BytePointer(new byte[] {1})) {
      return set(attribute, cudnn.CUDNN_TYPE_BOOLEAN, 1, pointer);
    }
  }

  CudnnDescriptor setFloat(int attribute, float value) {
    try (FloatPointer pointer = new FloatPointer(new float[] {value})) {
      return set(attribute, cudnn.CUDNN_TYPE_FLOAT, 1, pointer);
    }
  }

  CudnnDescriptor setDescriptors(int attribute, CudnnDescriptor... values) {
    long[] addresses = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      addresses[i] = values[i].handle.address();
    }
    return set(attribute, cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR, addresses);
  }

  private CudnnDescriptor set(int attribute, int type, long count, Pointer values) {
    checkDnn(
        cudnn.cudnnBackendSetAttribute(handle, attribute, type, count, values),
        "cudnnBackendSetAttribute " + attribute);
    return this;
  }

  CudnnDescriptor finish() {
    checkDnn(tryFinish(), "cudnnBackendFinalize");
    return this;
  }

  /** Finalizes it and returns the status, which says whether cuDNN supports what is described. */
  int tryFinish() {
    return cudnn.cudnnBackendFinalize(handle);
  }

  long getLong(int attribute) {
    try (LongPointer value = new LongPointer(1);
        LongPointer count = new LongPointer(1)) {
      checkDnn(
          cudnn.cudnnBackendGetAttribute(
              handle, attribute, cudnn.CUDNN_TYPE_INT64, 1, count, value),
          "cudnnBackendGetAttribute " + attribute);
      return value.get();
    }
  }

  @Override
  public void close() {
    checkDnn(cudnn.cudnnBackendDestroyDescriptor(handle), "cudnnBackendDestroyDescriptor");
  }
}
