package io.tanuki4j.run;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.backend.cuda.CudaBackend;
import io.tanuki4j.backend.cuda.CudaOptions;
import io.tanuki4j.backend.cuda.CudaProblem;
import io.tanuki4j.backend.cuda.CudaReport;
import io.tanuki4j.backend.cuda.CudaSearchPath;
import io.tanuki4j.backend.nd4j.Nd4jBackend;
import io.tanuki4j.backend.nd4j.Nd4jLibrary;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.config.BackendConfig;
import io.tanuki4j.config.BackendConfig.Kind;
import io.tanuki4j.config.DistributedConfig;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Chooses the backend of a run. */
public final class Backends {
  private static final String ASKED = "as the flags ask";

  private Backends() {}

  /**
   * @param backend to be closed by the caller
   * @param reason why it was chosen
   */
  public record Choice(Backend backend, String reason) {}

  /**
   * Opens the rank's device of the chosen backend: the GPU of its number on this machine, its share
   * of the CPU's cores.
   *
   * @param closer takes both
   * @param log gets the line that says which and why
   * @throws UserException if cuda was asked for and cannot be used, or has fewer GPUs than the
   *     ranks of a rehearsal were to share
   */
  public static Device open(
      BackendConfig config,
      DistributedConfig ranks,
      RankConnection seat,
      Closer closer,
      Consumer<String> log) {
    Choice choice = choose(config, seat.localWorldSize(), System.getenv());
    Backend backend = closer.add(choice.backend());
    boolean onGpu = backend instanceof CudaBackend;
    if (onGpu && ranks.ranksPerGpu() > 1) {
      requireGpus(seat, ranks.ranksPerGpu(), backend.deviceCount());
    }
    Device device = closer.add(backend.openDevice(seat.localRank() % backend.deviceCount()));
    int sharing = onGpu ? ranks.ranksPerGpu() : seat.localWorldSize();
    log.accept(
        "> backend %s on %s%s (%s)"
            .formatted(
                backend.name(),
                device.info().name(),
                sharing == 1 ? "" : ", shared by %d ranks".formatted(sharing),
                choice.reason()));
    return device;
  }

  /**
   * Requires a GPU for each rank of a rehearsal by its number, so that none has more ranks than
   * were asked for.
   */
  static void requireGpus(RankConnection seat, int ranksPerGpu, int numGpus) {
    if (seat.localRank() >= numGpus) {
      int fitting = (seat.localWorldSize() + numGpus - 1) / numGpus;
      throw new UserException(
          "--ranks-per-gpu: %d (expected: %d, for %d ranks on %d GPU%s). Give it to launch."
              .formatted(
                  ranksPerGpu, fitting, seat.localWorldSize(), numGpus, numGpus == 1 ? "" : "s"));
    }
  }

  /**
   * Chooses the backend that was asked for; if none was, cuda where it can be used.
   *
   * @param localWorldSize ranks that share this machine's cores
   * @throws UserException if cuda or nd4j was asked for and cannot be used
   */
  public static Choice choose(
      BackendConfig config, int localWorldSize, Map<String, String> environment) {
    Kind kind = config.kind();
    if (kind == Kind.ND4J) {
      return new Choice(nd4j(), ASKED);
    }
    if (kind == Kind.CPU) {
      return new Choice(cpu(localWorldSize), ASKED);
    }
    Path folder = config.cudaLibDir();
    CudaReport report =
        CudaReport.make(CudaSearchPath.of(folder == null ? null : folder.toString(), environment));
    if (kind == null && !report.usable()) {
      return new Choice(cpu(localWorldSize), "no GPU can be used: " + firstFatal(report));
    }
    Backend backend = new CudaBackend(report, options(config));
    return new Choice(backend, kind == null ? "a GPU can be used" : ASKED);
  }

  private static Backend nd4j() {
    Nd4jLibrary.obstacle()
        .ifPresent(
            obstacle -> {
              throw new UserException("--backend nd4j: " + obstacle);
            });
    return new Nd4jBackend();
  }

  private static Backend cpu(int localWorldSize) {
    int cores = Runtime.getRuntime().availableProcessors();
    return new CpuBackend(Math.max(1, cores / localWorldSize));
  }

  private static @Nullable CudaProblem firstFatal(CudaReport report) {
    return report.problems().stream().filter(CudaProblem::fatal).findFirst().orElse(null);
  }

  private static CudaOptions options(BackendConfig config) {
    CudaOptions defaults = CudaOptions.defaults(System.getenv());
    return new CudaOptions(defaults.cacheFolder(), config.deterministic());
  }
}
