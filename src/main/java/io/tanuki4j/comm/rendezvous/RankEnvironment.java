package io.tanuki4j.comm.rendezvous;

import io.tanuki4j.error.UserException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which rank a process is and where the ranks meet, as launchers say in the environment: torchrun
 * and Kubernetes operators ({@code RANK}, {@code WORLD_SIZE}, {@code MASTER_ADDR}, {@code
 * MASTER_PORT}), Slurm's srun, and Open MPI's mpirun.
 *
 * @param localRank among the ranks of this machine: the number of its device
 * @param localWorldSize ranks of this machine, which share its cores
 * @param ranksPerGpu above 1 in a rehearsal: the number of ranks that share each GPU
 * @param meeting where the ranks meet
 */
public record RankEnvironment(
    int globalRank,
    int worldSize,
    int localRank,
    int localWorldSize,
    int ranksPerGpu,
    MeetingPoint meeting) {

  /** Set only by our own launcher. */
  private static final String RANKS_PER_GPU = "TANUKI4J_RANKS_PER_GPU";

  private static final String JOIN_SECONDS = "TANUKI4J_JOIN_SECONDS";
  private static final String LOOPBACK = "127.0.0.1";
  private static final int DEFAULT_PORT = 29500;
  private static final int MAX_PORT = 65535;

  private static final List<Launcher> LAUNCHERS =
      List.of(
          new Launcher("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"),
          new Launcher(
              "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE"),
          new Launcher(
              "OMPI_COMM_WORLD_RANK",
              "OMPI_COMM_WORLD_SIZE",
              "OMPI_COMM_WORLD_LOCAL_RANK",
              "OMPI_COMM_WORLD_LOCAL_SIZE"));

  private record Launcher(String rank, String worldSize, String localRank, String localWorldSize) {
    /**
     * Returns whether a launcher started the process as a rank. Slurm also numbers the process of a
     * batch script, which is not a rank; only a step has ranks.
     */
    boolean started(Map<String, String> environment) {
      return environment.containsKey(rank)
          && (!rank.startsWith("SLURM_") || environment.containsKey("SLURM_STEP_ID"));
    }
  }

  /**
   * Reads the environment; a process that no launcher started is the only rank.
   *
   * @throws UserException if a variable is missing or cannot be right
   */
  public static RankEnvironment of(Map<String, String> environment) {
    for (Launcher launcher : LAUNCHERS) {
      if (launcher.started(environment)) {
        return of(launcher, environment);
      }
    }
    if (environment.containsKey("WORLD_SIZE")) {
      throw new UserException(
          "RANK: not set, but WORLD_SIZE is (expected: both or none). Start the ranks with tanuki4j launch, torchrun or srun.");
    }
    return new RankEnvironment(0, 1, 0, 1, 1, meeting(environment, LOOPBACK));
  }

  private static RankEnvironment of(Launcher launcher, Map<String, String> environment) {
    int worldSize = number(environment, launcher.worldSize, 1, Integer.MAX_VALUE);
    int rank = number(environment, launcher.rank, 0, worldSize - 1);
    int localRank =
        environment.containsKey(launcher.localRank)
            ? number(environment, launcher.localRank, 0, rank)
            : 0;
    int counted = localWorldSize(environment.get(launcher.localWorldSize));
    int localWorldSize = Math.max(localRank + 1, Math.min(counted, worldSize));
    return new RankEnvironment(
        rank,
        worldSize,
        localRank,
        localWorldSize,
        Math.min(ranksPerGpu(environment), localWorldSize),
        meeting(
            environment,
            worldSize == 1 || counted == worldSize
                ? LOOPBACK
                : masterAddress(environment, worldSize)));
  }

  /**
   * Returns the meeting point. Ranks of several machines need a secret; ranks of one machine meet
   * where no other machine can connect.
   *
   * @param address of rank 0
   */
  private static MeetingPoint meeting(Map<String, String> environment, String address) {
    int port = masterPort(environment);
    String secret =
        MeetingPoint.isLoopback(address)
            ? RunSecret.given(environment)
            : RunSecret.require(environment, address + ":" + port);
    return new MeetingPoint(
        address,
        port,
        RunKey.of(secret, runToken(environment)),
        environment.get("GLOO_SOCKET_IFNAME"),
        environment.containsKey(JOIN_SECONDS)
            ? Duration.ofSeconds(number(environment, JOIN_SECONDS, 1, Integer.MAX_VALUE))
            : MeetingPoint.JOIN_LIMIT);
  }

  /**
   * Returns the first number of {@code 4}, or of Slurm's {@code 4(x2),3}; 0 if unknown. All
   * machines are assumed to have as many ranks as the first.
   */
  private static int localWorldSize(@Nullable String text) {
    Matcher digits = Pattern.compile("\\s*(\\d{1,9}).*").matcher(text == null ? "" : text);
    return digits.matches() ? Integer.parseInt(digits.group(1)) : 0;
  }

  private static int ranksPerGpu(Map<String, String> environment) {
    return environment.containsKey(RANKS_PER_GPU)
        ? number(environment, RANKS_PER_GPU, 1, Integer.MAX_VALUE)
        : 1;
  }

  private static int number(Map<String, String> environment, String name, int min, int max) {
    String text = environment.get(name);
    String expected =
        max == Integer.MAX_VALUE
            ? "an integer from %d on".formatted(min)
            : "an integer from %d to %d".formatted(min, max);
    try {
      int value = Integer.parseInt(text == null ? "" : text.strip());
      if (value >= min && value <= max) {
        return value;
      }
    } catch (NumberFormatException e) {
      // told below, with the same words
    }
    throw new UserException(
        "%s: %s (expected: %s). The launcher of the ranks sets it."
            .formatted(name, text == null ? "not set" : text, expected));
  }

  private static String masterAddress(Map<String, String> environment, int worldSize) {
    String given = environment.get("MASTER_ADDR");
    if (given != null && !given.isBlank()) {
      return given.strip();
    }
    String nodes =
        environment.getOrDefault("SLURM_STEP_NODELIST", environment.get("SLURM_JOB_NODELIST"));
    if (nodes != null) {
      return firstNode(nodes);
    }
    if (worldSize > 1) {
      throw new UserException(
          "MASTER_ADDR: not set (expected: the machine of rank 0). Set it, or start the ranks with tanuki4j launch.");
    }
    return LOOPBACK;
  }

  /** Returns the first node in Slurm's notation: {@code gpu07} of {@code gpu[07,09-12],login1}. */
  static String firstNode(String nodes) {
    int bracket = nodes.indexOf('[');
    int comma = nodes.indexOf(',');
    if (bracket < 0 || (comma >= 0 && comma < bracket)) {
      return comma < 0 ? nodes : nodes.substring(0, comma);
    }
    String ranges = nodes.substring(bracket + 1, nodes.indexOf(']', bracket));
    return nodes.substring(0, bracket) + ranges.split("[-,]", 2)[0];
  }

  /**
   * Returns the port. If torchrun's agent holds MASTER_PORT for its own store, the ranks meet at
   * the next port. A Slurm job without MASTER_PORT gets a port derived from its job number.
   */
  private static int masterPort(Map<String, String> environment) {
    if (environment.containsKey("MASTER_PORT")) {
      boolean taken = "True".equals(environment.get("TORCHELASTIC_USE_AGENT_STORE"));
      return number(environment, "MASTER_PORT", 1, MAX_PORT - 1) + (taken ? 1 : 0);
    }
    String job = environment.get("SLURM_JOB_ID");
    return DEFAULT_PORT + (job == null ? 0 : Math.floorMod(job.hashCode(), 20_000));
  }

  private static String runToken(Map<String, String> environment) {
    String own = environment.get("TANUKI4J_RUN_TOKEN");
    if (own != null) {
      return own;
    }
    return "%s.%s.%s.%s"
        .formatted(
            environment.getOrDefault("TORCHELASTIC_RUN_ID", ""),
            environment.getOrDefault("TORCHELASTIC_RESTART_COUNT", ""),
            environment.getOrDefault("SLURM_JOB_ID", ""),
            environment.getOrDefault("SLURM_STEP_ID", ""));
  }
}
