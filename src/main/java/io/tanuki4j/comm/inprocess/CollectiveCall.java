package io.tanuki4j.comm.inprocess;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.ProcessGroup.Members;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One collective. The ranks arrive with their operands; once all are there, the ranks that wait for
 * the result work on it together, block by block. There is no staging copy: one thread reads a
 * block from every rank before it writes that block to every rank.
 */
final class CollectiveCall {
  private final SharedState world;
  private final Members members;
  private final long number;
  private final Collective call;
  private final @Nullable Operands[] operands;
  private final AtomicLong nextBlock = new AtomicLong();
  private int numArrived;
  private long blocksDone;
  private @Nullable Blocks blocks;

  CollectiveCall(SharedState world, Members members, long number, Collective call) {
    this.world = world;
    this.members = members;
    this.number = number;
    this.call = call;
    this.operands = new @Nullable Operands[members.size()];
  }

  /**
   * Registers a rank with its operands.
   *
   * @return whether all ranks are there
   */
  boolean arrive(int rank, Collective theirs, Operands brought) {
    if (!call.equals(theirs)) {
      brought.close();
      world.fail(
          "call #%d on group \"%s\": %s, but rank %d %s. All ranks must make the same calls in the same order."
              .formatted(
                  number,
                  members.name(),
                  arrivedCalled(),
                  members.globalRanks().get(rank),
                  theirs));
      world.throwIfFailed();
    }
    operands[rank] = brought;
    numArrived++;
    if (numArrived == operands.length) {
      blocks = new Blocks(call, allOperands());
      finishIf(blocks.count() == 0);
      world.notifyAll();
    }
    return blocks != null;
  }

  private String arrivedCalled() {
    return "ranks %s called %s".formatted(ranks(true), call);
  }

  private List<Operands> allOperands() {
    List<Operands> all = new ArrayList<>();
    for (Operands one : operands) {
      all.add(requireNonNull(one));
    }
    return all;
  }

  /** Waits for all ranks, processes the remaining blocks, and waits until every block is done. */
  void complete() {
    world.await(() -> blocks != null, this::absence);
    Blocks work = requireNonNull(blocks);
    long done = work.work(nextBlock);
    synchronized (world) {
      blocksDone += done;
      finishIf(done > 0 && blocksDone == work.count());
    }
    world.await(() -> blocksDone == work.count(), this::absence);
  }

  private void finishIf(boolean over) {
    if (over) {
      release();
      world.notifyAll();
    }
  }

  private MissingRanks absence() {
    String what = "%s #%d on group \"%s\"".formatted(call.kind(), number, members.name());
    return new MissingRanks(what, ranks(true), ranks(false));
  }

  private List<Integer> ranks(boolean arrived) {
    return IntStream.range(0, operands.length)
        .filter(rank -> (operands[rank] != null) == arrived)
        .mapToObj(members.globalRanks()::get)
        .toList();
  }

  /** Releases the ranks' memory. */
  void release() {
    for (Operands one : operands) {
      if (one != null) {
        one.close();
      }
    }
  }
}
