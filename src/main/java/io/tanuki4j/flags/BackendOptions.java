package io.tanuki4j.flags;

import io.tanuki4j.config.BackendConfig;
import io.tanuki4j.config.BackendConfig.Kind;
import io.tanuki4j.config.Problems;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The device the run computes on: the flags of {@link BackendConfig}. */
public final class BackendOptions {
  @Option(
      names = "--backend",
      paramLabel = "cpu|cuda|nd4j",
      description =
          "The CPU, an NVIDIA GPU, or ND4J, whose plain formulas are for comparisons. Without it: a"
              + " GPU if one can be used. (Tanuki4J's own flag.)")
  @Nullable String backend;

  @Option(
      names = "--cuda-lib-dir",
      paramLabel = "DIR",
      description =
          "Where CUDA's libraries are, for other places than the usual. (Tanuki4J's own flag.)")
  @Nullable Path cudaLibDir;

  @Option(
      names = "--deterministic-mode",
      description = "GPUs add up in one order too (the CPU always does): slower attention.")
  boolean deterministicMode;

  /** Sets the backend if the ranks' communication permits only one. */
  void check(DistributedOptions distributed, List<String> notices, Problems problems) {
    problems.oneOf("--backend", backend, Kind.words());
    backend = distributed.computingBackend(backend, notices, problems);
  }

  BackendConfig toConfig() {
    return new BackendConfig(Kind.of(backend), cudaLibDir, deterministicMode);
  }
}
