package io.tanuki4j.backend.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.cuda.global.cudart;

/**
 * Which CUDA this build calls, and whether the driver is new enough for it. The kernel's module
 * says its version without any library of CUDA, so that it is known where those do not load.
 */
final class DriverBranch {
  /** The major version of CUDA that this build calls: 13, or 12 with the Maven profile cuda12. */
  static final int CUDA_MAJOR = cudart.CUDART_VERSION / 1000;

  /** The oldest branch of drivers that runs it. */
  static final int OLDEST = CUDA_MAJOR == 12 ? 525 : 580;

  private static final Path MODULE = Path.of("/proc/driver/nvidia/version");
  private static final Pattern VERSION = Pattern.compile("NVRM version:.*?\\s(\\d{3,4})\\.\\d+.*");

  private DriverBranch() {}

  /** Returns the problem of this machine's driver; empty if it is new enough, or does not say. */
  static Optional<CudaProblem> problem() {
    return problem(MODULE, OLDEST);
  }

  static Optional<CudaProblem> problem(Path module, int oldest) {
    int branch = branch(module);
    return branch == 0 || branch >= oldest ? Optional.empty() : Optional.of(tooOld(branch, oldest));
  }

  private static int branch(Path module) {
    try {
      if (Files.exists(module)) {
        Matcher first = VERSION.matcher(Files.readAllLines(module).get(0));
        return first.matches() ? Integer.parseInt(first.group(1)) : 0;
      }
    } catch (IOException | IndexOutOfBoundsException e) {
      // it does not say
    }
    return 0;
  }

  private static CudaProblem tooOld(int branch, int oldest) {
    return CudaProblem.of(
        CudaComponent.DRIVER,
        "branch %d (expected: %d or newer, for CUDA %d)".formatted(branch, oldest, CUDA_MAJOR));
  }
}
