package io.tanuki4j.backend.cuda;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import java.nio.file.Path;

/** The GPU of the tests, which share what they compile, and the CPU that they compare it with. */
public final class TestGpu {
  private static final Path CACHE =
      Path.of(System.getProperty("java.io.tmpdir"), "tanuki4j-test-cuda");

  private TestGpu() {}

  /** Its first device is the GPU; fails where there is none. */
  public static Backend backend() {
    return backend(false);
  }

  static Device open() {
    return open(false);
  }

  static Device open(boolean deterministicAttention) {
    return backend(deterministicAttention).openDevice(0);
  }

  private static Backend backend(boolean deterministicAttention) {
    CudaReport report = CudaReport.make(CudaSearchPath.of(null, System.getenv()));
    CudaOptions options = new CudaOptions(CACHE, deterministicAttention);
    return new CudaBackend(report, options);
  }

  static Device openCpu() {
    return new CpuBackend(Runtime.getRuntime().availableProcessors()).openDevice(0);
  }
}
