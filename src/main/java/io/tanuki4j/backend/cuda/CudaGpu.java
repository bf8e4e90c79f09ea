package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;
import static io.tanuki4j.backend.cuda.CudaException.checkDriver;

import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * A GPU of this machine.
 *
 * @param major of the compute capability
 * @param minor of the compute capability
 * @param memoryBytes all of its memory
 */
public record CudaGpu(
    int ordinal, String name, int major, int minor, int multiprocessors, long memoryBytes) {
  private static final int MIN_MAJOR = 8;
  private static final int NAME_BYTES = 256;

  static CudaGpu of(int ordinal) {
    try (BytePointer name = new BytePointer(NAME_BYTES);
        SizeTPointer bytes = new SizeTPointer(1)) {
      checkDriver(cudart.cuDeviceGetName(name, NAME_BYTES, ordinal), "cuDeviceGetName");
      checkDriver(cudart.cuDeviceTotalMem(bytes, ordinal), "cuDeviceTotalMem");
      return new CudaGpu(
          ordinal,
          CString.read(name),
          attribute(ordinal, cudart.cudaDevAttrComputeCapabilityMajor),
          attribute(ordinal, cudart.cudaDevAttrComputeCapabilityMinor),
          attribute(ordinal, cudart.cudaDevAttrMultiProcessorCount),
          bytes.get());
    }
  }

  private static int attribute(int ordinal, int attribute) {
    try (IntPointer value = new IntPointer(1)) {
      check(cudart.cudaDeviceGetAttribute(value, attribute, ordinal), "cudaDeviceGetAttribute");
      return value.get();
    }
  }

  /** Returns what kernels are compiled for, for example {@code sm_90}. */
  public String architecture() {
    return "sm_" + major + minor;
  }

  ComputeCapability capability() {
    return new ComputeCapability(major, minor);
  }

  /** Returns whether it has the matrix units and the copies that the backend builds on. */
  boolean usable() {
    return major >= MIN_MAJOR;
  }
}
