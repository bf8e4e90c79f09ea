package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import io.tanuki4j.error.UserException;
import java.util.function.DoubleSupplier;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.nvml;
import org.bytedeco.cuda.nvml.nvmlDevice_st;
import org.bytedeco.javacpp.BytePointer;

/**
 * The energy that a GPU has used since its driver was loaded, as NVML counts it: in millijoules,
 * some tens of times a second. A GPU in MIG mode counts as a whole.
 */
final class NvmlEnergy implements DoubleSupplier {
  private static final int BUS_ID_BYTES = 32;
  private static final double MILLIS = 1e3;

  private final nvmlDevice_st device = new nvmlDevice_st();
  private final long[] millijoules = new long[1];

  /**
   * Finds a GPU in NVML, and reads it once.
   *
   * @throws UserException if NVML, which comes with the driver, does not count its energy
   */
  NvmlEnergy(CudaGpu gpu) {
    try (BytePointer busId = new BytePointer(BUS_ID_BYTES)) {
      check(
          cudart.cudaDeviceGetPCIBusId(busId, BUS_ID_BYTES, gpu.ordinal()),
          "cudaDeviceGetPCIBusId");
      require(nvml.nvmlInit_v2(), gpu);
      require(nvml.nvmlDeviceGetHandleByPciBusId_v2(busId, device), gpu);
      require(read(), gpu);
    } catch (LinkageError e) {
      throw new UserException(
          "NVML (libnvidia-ml.so.1) cannot be loaded: %s (expected: the driver's library)."
              .formatted(e.getMessage()),
          e);
    }
  }

  private static void require(int status, CudaGpu gpu) {
    if (status != nvml.NVML_SUCCESS) {
      throw new UserException(
          "NVML does not count the energy of %s: %s (expected: a GPU since Volta, outside of a"
                  .formatted(gpu.name(), nvml.nvmlErrorString(status).getString())
              + " container that hides it).");
    }
  }

  private int read() {
    return nvml.nvmlDeviceGetTotalEnergyConsumption(device, millijoules);
  }

  /** Returns the joules; NaN if they can no longer be read. */
  @Override
  public double getAsDouble() {
    return read() == nvml.NVML_SUCCESS ? millijoules[0] / MILLIS : Double.NaN;
  }
}
