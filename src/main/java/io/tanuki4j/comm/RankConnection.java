package io.tanuki4j.comm;

import io.tanuki4j.kernel.Device;
import java.util.Map;

/** Which rank runs here, and its way to the others. */
public interface RankConnection {
  int globalRank();

  int worldSize();

  /** Number of the rank on its machine, and so of its device there. */
  int localRank();

  /** Ranks of this machine, which share its cores. */
  int localWorldSize();

  /**
   * Ends the run on all ranks if this one has other flags than the first. Ranks of one process
   * share them.
   *
   * @param flags by their names; the texts have no line breaks
   * @throws CommunicationException if they differ
   */
  default void requireSame(Map<String, String> flags) {}

  /**
   * The maker of this rank's groups; once per rank.
   *
   * @param device where the rank's tensors are; the calling thread owns it
   */
  ProcessGroupFactory processGroups(Device device);

  /**
   * Tells the other ranks that this one cannot go on, so that they end too: before this rank closes
   * what it has, which may wait for them.
   *
   * @param reason what the cause says to people
   */
  void failed(Throwable cause, String reason);
}
