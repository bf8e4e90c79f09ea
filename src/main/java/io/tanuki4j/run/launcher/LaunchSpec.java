package io.tanuki4j.run.launcher;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is to be started.
 *
 * @param maxRestarts how often all ranks are started again after a failure
 * @param command of each rank, from the program on
 */
public record LaunchSpec(
    Ranks ranks, Master master, int maxRestarts, EndRules endRules, List<String> command) {

  /**
   * The ranks of the machines.
   *
   * @param perNode processes on each machine
   * @param perGpu above 1 for a rehearsal, in which ranks share GPUs
   * @param nodeRank number of this machine
   */
  public record Ranks(int perNode, int perGpu, int numNodes, int nodeRank) {}

  /**
   * Where ranks find each other.
   *
   * @param address machine of rank 0
   * @param port 0 for a free one at each start, if there is one machine only
   * @param runToken what the ranks of all machines have in common; each start adds its number
   */
  public record Master(String address, int port, String runToken) {}

  /** Tells a process that a launcher started it, passes signals on, and holds its input open. */
  public static final String LAUNCHED = "TANUKI4J_LAUNCHED";

  public LaunchSpec {
    command = List.copyOf(command);
  }

  int globalRank(int localRank) {
    return ranks.nodeRank() * ranks.perNode() + localRank;
  }

  /**
   * Returns the variables that a rank finds in its environment in addition to this process's.
   *
   * @param start 0 for the first, then the number of the restart
   * @param port the run's at this start
   */
  public Map<String, String> environment(int localRank, int start, int port) {
    Map<String, String> variables = new LinkedHashMap<>();
    variables.put("RANK", "" + globalRank(localRank));
    variables.put("WORLD_SIZE", "" + ranks.perNode() * ranks.numNodes());
    variables.put("LOCAL_RANK", "" + localRank / ranks.perGpu());
    variables.put("LOCAL_WORLD_SIZE", "" + ranks.perNode());
    variables.put("TANUKI4J_RANKS_PER_GPU", "" + ranks.perGpu());
    variables.put("GROUP_RANK", "" + ranks.nodeRank());
    variables.put("MASTER_ADDR", master.address());
    variables.put("MASTER_PORT", "" + port);
    variables.put("TANUKI4J_RUN_TOKEN", master.runToken() + "." + start);
    variables.put("TORCHELASTIC_MAX_RESTARTS", "" + maxRestarts);
    variables.put(LAUNCHED, "1");
    if (ranks.perGpu() > 1) {
      variables.putAll(sharedGpu(globalRank(localRank)));
    }
    return variables;
  }

  /**
   * Returns the variables that let ranks share a GPU. NCCL refuses two ranks on one GPU, unless it
   * takes them for ranks of different machines, which talk through sockets.
   */
  private static Map<String, String> sharedGpu(int globalRank) {
    return Map.of(
        "NCCL_HOSTID", "rank-" + globalRank,
        "NCCL_NET", "Socket",
        "NCCL_SOCKET_IFNAME", "lo",
        "NCCL_IB_DISABLE", "1",
        "NCCL_MNNVL_ENABLE", "0",
        "NCCL_NVLS_ENABLE", "0",
        "NCCL_MAX_CTAS", "2");
  }
}
