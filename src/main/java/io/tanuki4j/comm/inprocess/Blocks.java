package io.tanuki4j.comm.inprocess;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.Collective.Kind;
import io.tanuki4j.comm.Reduction;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The work of a collective as independent blocks. Collectives with shards have one run of elements
 * per rank; the others have a single run.
 */
final class Blocks {
  private final Collective call;
  private final List<Operands> operands;
  private final long runLength;
  private final long blocksPerRun;
  private final long count;

  Blocks(Collective call, List<Operands> operands) {
    this.call = call;
    this.operands = operands;
    boolean sharded = call.kind() == Kind.REDUCE_SCATTER || call.kind() == Kind.ALL_GATHER;
    int runs = sharded ? operands.size() : 1;
    runLength = call.numElements() / runs;
    blocksPerRun = (runLength + Reduction.BLOCK - 1) / Reduction.BLOCK;
    count = runs * blocksPerRun;
  }

  long count() {
    return count;
  }

  /**
   * Processes the blocks that no other thread has started.
   *
   * @param next the next block to take; advanced
   * @return the number of blocks processed
   */
  long work(AtomicLong next) {
    long done = 0;
    long block = next.getAndIncrement();
    if (block < count) {
      Worker worker = new Worker();
      for (; block < count; block = next.getAndIncrement()) {
        worker.work(block);
        done++;
      }
    }
    return done;
  }

  /** Processes blocks on one thread. */
  private final class Worker {
    private final @Nullable Reduction reduction =
        call.op() == null ? null : new Reduction(call.dtype(), call.op());
    private int length;

    void work(long block) {
      int run = (int) (block / blocksPerRun);
      long offset = block % blocksPerRun * Reduction.BLOCK;
      long inWhole = run * runLength + offset;
      length = (int) Math.min(Reduction.BLOCK, runLength - offset);
      switch (call.kind()) {
        case ALL_REDUCE -> reduce(inputs(offset), outputs(offset));
        case REDUCE_SCATTER -> reduce(inputs(inWhole), List.of(output(run, offset)));
        case ALL_GATHER -> copy(input(run, offset), outputs(inWhole));
        case BROADCAST -> copy(input(call.root(), offset), outputs(offset));
        case BARRIER -> {}
      }
    }

    private void reduce(List<ByteBuffer> inputs, List<ByteBuffer> outputs) {
      requireNonNull(reduction).reduce(inputs, outputs);
    }

    private void copy(ByteBuffer input, List<ByteBuffer> outputs) {
      for (ByteBuffer output : outputs) {
        output.put(0, input, 0, input.remaining());
      }
    }

    private List<ByteBuffer> inputs(long from) {
      return each(rank -> input(rank, from));
    }

    private List<ByteBuffer> outputs(long from) {
      return each(rank -> output(rank, from));
    }

    private List<ByteBuffer> each(IntFunction<ByteBuffer> ofRank) {
      List<ByteBuffer> all = new ArrayList<>(operands.size());
      for (int rank = 0; rank < operands.size(); rank++) {
        all.add(ofRank.apply(rank));
      }
      return all;
    }

    private ByteBuffer input(int rank, long from) {
      return requireNonNull(operands.get(rank).in()).elements(from, length);
    }

    private ByteBuffer output(int rank, long from) {
      return requireNonNull(operands.get(rank).out()).elements(from, length);
    }
  }
}
