package io.tanuki4j.flags;

import io.tanuki4j.comm.rendezvous.RankEnvironment;
import io.tanuki4j.config.BackendConfig.Kind;
import io.tanuki4j.config.DistributedConfig;
import io.tanuki4j.config.DistributedConfig.Backend;
import io.tanuki4j.config.Problems;
import io.tanuki4j.error.UserException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The ranks of a run: the flags of {@link DistributedConfig}, and the launcher's variables. */
public final class DistributedOptions {
  /** The most ranks of a run, more than any has had. */
  static final int MAX_RANKS = 1 << 17;

  private static final String FLAG = "--distributed-backend";
  private static final List<String> BACKENDS = List.of("nccl", "gloo", "local");

  @Option(
      names = FLAG,
      paramLabel = "nccl|gloo|local",
      description =
          "How ranks exchange tensors: processes with a GPU each, processes on CPUs, or threads of"
              + " one process.")
  String distributedBackend = "nccl";

  @Option(
      names = "--local-ranks",
      paramLabel = "N",
      description =
          "Ranks of --distributed-backend local (as many as one replica of the model has)."
              + " (Tanuki4J's own flag.)")
  @Nullable Integer localRanks;

  @Option(
      names = "--distributed-timeout-minutes",
      paramLabel = "N",
      description = "How long a rank waits for another before the run ends.")
  int distributedTimeoutMinutes = 10;

  private int worldSize = 1;
  private int ranksPerGpu = 1;

  /**
   * Determines the number of ranks.
   *
   * @param modelRanks number of ranks of one replica of the model
   */
  void derive(Map<String, String> environment, int modelRanks, Problems problems) {
    try {
      RankEnvironment own = RankEnvironment.of(environment);
      worldSize = own.worldSize();
      ranksPerGpu = own.ranksPerGpu();
    } catch (UserException e) {
      String message = String.valueOf(e.getMessage());
      problems.add(message.substring(0, Math.max(0, message.indexOf(':'))), e);
      worldSize = modelRanks; // so that no message mentions a number that the user did not give
    }
    if (isLocal()) {
      deriveThreads(modelRanks, problems);
    }
  }

  private void deriveThreads(int modelRanks, Problems problems) {
    if (worldSize > 1) {
      problems.add(
          FLAG,
          distributedBackend,
          "gloo or nccl, since a launcher has started %d processes".formatted(worldSize),
          "Start one process, without the launcher.");
    }
    worldSize = localRanks == null ? modelRanks : Math.max(1, localRanks);
  }

  /** Assumes a number of ranks, which need not be started. */
  void suppose(int numRanks) {
    worldSize = numRanks;
  }

  private boolean isLocal() {
    return distributedBackend.equals("local");
  }

  int worldSize() {
    return worldSize;
  }

  void check(Problems problems) {
    if (worldSize > MAX_RANKS) {
      String remedy = "Make the axes of the layout smaller.";
      problems.add("world size", worldSize, "at most " + MAX_RANKS, remedy);
    }
    problems.oneOf(FLAG, distributedBackend, BACKENDS);
    problems.positive(
        "--distributed-timeout-minutes", distributedTimeoutMinutes, "Megatron uses 10.");
    problems.positive("--local-ranks", localRanks, "Write 1 or more.");
    if (localRanks != null && !isLocal()) {
      problems.add(
          "--local-ranks",
          localRanks,
          "not given with %s %s".formatted(FLAG, distributedBackend),
          "Write %s local, or start the processes with tanuki4j launch.".formatted(FLAG));
    }
  }

  /**
   * Returns the computing backend that the ranks' communication requires.
   *
   * @param backend {@code --backend}; null if it was not given
   * @param notices receive a line if it was not given
   * @return null for any
   */
  @Nullable String computingBackend(
      @Nullable String backend, List<String> notices, Problems problems) {
    if (worldSize == 1) {
      return backend;
    }
    boolean onGpus = distributedBackend.equals("nccl");
    if (backend == null) {
      String chosen = (onGpus ? Kind.CUDA : Kind.CPU).toString();
      notices.add("setting backend to %s, for %s %s".formatted(chosen, FLAG, distributedBackend));
      return chosen;
    }
    if (backend.equals(Kind.CUDA.toString()) != onGpus) {
      problems.add(
          FLAG,
          distributedBackend,
          "%s, since there are %d ranks with --backend %s"
              .formatted(onGpus ? "gloo or local" : "nccl", worldSize, backend),
          "Change one of the two.");
    }
    return backend;
  }

  DistributedConfig toConfig() {
    return new DistributedConfig(
        Backend.valueOf(distributedBackend.toUpperCase(Locale.ROOT)),
        worldSize,
        ranksPerGpu,
        Duration.ofMinutes(distributedTimeoutMinutes));
  }
}
