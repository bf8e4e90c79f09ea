package io.tanuki4j.backend.cuda;

import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.cudnn;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.javacpp.BytePointer;

/**
 * A failed call into a CUDA library: its name, its status, and what the library says. After most of
 * these the GPU's context is lost, and the run has to restart from its last checkpoint.
 */
public final class CudaException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final int MESSAGE_BYTES = 4096;

  CudaException(String call, int status, String explanation) {
    super("%s failed with status %d: %s".formatted(call, status, explanation));
  }

  /** Checks the status of a call of the CUDA runtime. */
  static void check(int status, String call) {
    if (status != cudart.cudaSuccess) {
      throw new CudaException(call, status, text(cudart.cudaGetErrorString(status)));
    }
  }

  /** Checks the status of a call of the driver. */
  static void checkDriver(int status, String call) {
    if (status != cudart.CUDA_SUCCESS) {
      BytePointer name = new BytePointer();
      cudart.cuGetErrorString(status, name);
      throw new CudaException(call, status, text(name));
    }
  }

  static void checkBlas(int status, String call) {
    if (status != cublas.CUBLAS_STATUS_SUCCESS) {
      throw new CudaException(call, status, text(cublas.cublasLtGetStatusString(status)));
    }
  }

  static void checkNvrtc(int status, String call) {
    if (status != nvrtc.NVRTC_SUCCESS) {
      throw new CudaException(call, status, text(nvrtc.nvrtcGetErrorString(status)));
    }
  }

  static void checkDnn(int status, String call) {
    if (status != cudnn.CUDNN_STATUS_SUCCESS) {
      throw new CudaException(
          call, status, text(cudnn.cudnnGetErrorString(status)) + "; " + lastDnnError());
    }
  }

  /** Returns cuDNN's message about the check that failed. */
  static String lastDnnError() {
    try (BytePointer message = new BytePointer(MESSAGE_BYTES)) {
      cudnn.cudnnGetLastErrorString(message, MESSAGE_BYTES);
      return CString.read(message);
    }
  }

  private static String text(BytePointer text) {
    return text.isNull() ? "no description" : text.getString();
  }
}
