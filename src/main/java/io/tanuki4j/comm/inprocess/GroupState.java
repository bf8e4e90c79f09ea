package io.tanuki4j.comm.inprocess;

import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.ProcessGroup.Members;
import java.util.HashMap;
import java.util.Map;

/** The state that the ranks of one group share. */
final class GroupState {
  private final SharedState world;
  private final Members members;
  private final Map<Long, CollectiveCall> meetings = new HashMap<>();
  private final Mailboxes mailboxes;

  /**
   * Creates the state.
   *
   * @param members as seen by any one of them
   */
  GroupState(SharedState world, Members members) {
    this.world = world;
    this.members = members;
    this.mailboxes = new Mailboxes(world, members);
  }

  Mailboxes mailboxes() {
    return mailboxes;
  }

  /** Registers a rank's arrival at the group's n-th collective. */
  CollectiveCall arrive(long number, int rank, Collective call, Operands operands) {
    synchronized (world) {
      world.throwIfFailed();
      CollectiveCall meeting =
          meetings.computeIfAbsent(number, key -> new CollectiveCall(world, members, number, call));
      if (meeting.arrive(rank, call, operands)) {
        meetings.remove(number);
      }
      return meeting;
    }
  }

  void close() {
    meetings.values().forEach(CollectiveCall::release);
    meetings.clear();
    mailboxes.release();
  }
}
