package io.tanuki4j.comm.rendezvous;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.comm.CommunicationException;
import java.util.List;

/** Checks that the processes of a run create the same groups in the same order. */
public final class GroupAgreement {
  private final Rendezvous rendezvous;
  private int numGroups;

  public GroupAgreement(Rendezvous rendezvous) {
    this.rendezvous = rendezvous;
  }

  /**
   * Compares the groups that this rank creates next with those of rank 0.
   *
   * @return the number of groups created before
   * @throws CommunicationException if they differ; the run has failed then
   */
  public int require(String name, List<List<Integer>> groups) {
    String mine = "\"%s\" %s".formatted(name, groups);
    String key = "groups/" + numGroups++;
    int globalRank = rendezvous.environment().globalRank();
    if (globalRank == 0) {
      rendezvous.set(key, mine.getBytes(UTF_8));
      return numGroups - 1;
    }
    String theirs = new String(rendezvous.await(key, 0), UTF_8);
    if (!theirs.equals(mine)) {
      rendezvous.fail(
          "groups #%d: rank %d makes %s, rank 0 %s. All ranks must make the same groups in the same order."
              .formatted(numGroups, globalRank, mine, theirs));
      rendezvous.throwIfFailed();
    }
    return numGroups - 1;
  }
}
