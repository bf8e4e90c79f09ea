package io.tanuki4j.comm;

import io.tanuki4j.kernel.Device;
import java.util.Map;

/** Identifies the rank that runs here and connects it to the others. */
public interface RankConnection {
  int globalRank();

  int worldSize();

  /** Returns the rank's number on its machine, which is also the number of its device. */
  int localRank();

  /** Returns the number of ranks on this machine, which share its cores. */
  int localWorldSize();

  /**
   * Ends the run on all ranks if this rank's flags differ from the first rank's. Ranks of one
   * process share their flags.
   *
   * @param flags by their names; the texts have no line breaks
   * @throws CommunicationException if they differ
   */
  default void requireSame(Map<String, String> flags) {}

  /**
   * Returns the factory of this rank's groups; called once per rank.
   *
   * @param device where the rank's tensors are; the calling thread owns it
   */
  ProcessGroupFactory processGroups(Device device);

  /**
   * Tells the other ranks that this one has failed, so that they end too. Call it before closing
   * this rank's resources, since closing may wait for the others.
   *
   * @param reason the cause as a sentence for the user
   */
  void failed(Throwable cause, String reason);
}
