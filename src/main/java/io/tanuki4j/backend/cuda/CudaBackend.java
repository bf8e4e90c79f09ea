package io.tanuki4j.backend.cuda;

import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import java.util.List;

/** NVIDIA GPUs of this machine. */
public final class CudaBackend implements Backend {
  private final List<CudaGpu> gpus;
  private final CudaOptions options;

  /**
   * @param report of this machine
   * @throws UserException with the reason and what to do, if no GPU can be used
   */
  public CudaBackend(CudaReport report, CudaOptions options) {
    if (!report.usable()) {
      CudaProblem first =
          report.problems().stream().filter(CudaProblem::fatal).findFirst().orElseThrow();
      throw new UserException(
          ("backend: cuda cannot be used here. %s On CPUs: --backend cpu, and where there are"
                  + " several ranks --distributed-backend gloo.")
              .formatted(first));
    }
    this.gpus = report.usableGpus();
    this.options = options;
  }

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public int deviceCount() {
    return gpus.size();
  }

  @Override
  public Device openDevice(int ordinal) {
    if (ordinal < 0 || ordinal >= gpus.size()) {
      throw new UserException("GPU %d (expected: 0 to %d)".formatted(ordinal, gpus.size() - 1));
    }
    return new CudaDevice(gpus.get(ordinal), options);
  }

  @Override
  public void close() {}
}
