package io.tanuki4j.comm.socket;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.Collective.Kind;
import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.Reduction;
import io.tanuki4j.comm.socket.Courier.Header;
import io.tanuki4j.comm.socket.Courier.Transfer;
import io.tanuki4j.comm.socket.Mesh.Step;
import io.tanuki4j.kernel.HostTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One rank's side of a collective. In a reduction every rank receives all ranks' values of its own
 * part and reduces them in rank order. In a gather it sends its own part to every rank. An
 * all-reduce is both: the gather of one block overlaps the reduction of the next. Each rank sends
 * and receives as much as in a ring, in two steps instead of {@code 2(n − 1)}.
 */
final class CollectiveTransfer implements Transfer {
  /** Bytes received for a reduction before they are reduced. */
  private static final int SCRATCH_BYTES = 4 << 20;

  private final Collective call;
  private final Members members;
  private final Header header;
  private final @Nullable HostTensor whole;
  private final @Nullable HostTensor shard;
  private final int blockElements;

  /**
   * Creates a transfer.
   *
   * @param whole all parts together; null for a barrier
   * @param shard this rank's part, where it is a separate tensor
   */
  CollectiveTransfer(
      Collective call,
      Members members,
      long number,
      @Nullable HostTensor whole,
      @Nullable HostTensor shard) {
    this.call = call;
    this.members = members;
    this.header = new Header(number, call);
    this.whole = whole;
    this.shard = shard;
    int perPeer = SCRATCH_BYTES / members.size() / call.dtype().bytes();
    this.blockElements = Math.max(Reduction.BLOCK, perPeer);
  }

  @Override
  public String what() {
    return "%s #%d".formatted(call.kind(), header.number());
  }

  @Override
  public void run(Mesh mesh) throws Mesh.StepException {
    mesh.run(greeting());
    switch (call.kind()) {
      case BARRIER -> {}
      case BROADCAST -> broadcast(mesh);
      default -> blocks(mesh);
    }
  }

  /**
   * Returns the step that checks that all ranks have made the same call; no rank continues before.
   */
  private Step greeting() {
    Step step = new Step();
    forEachPeer(
        peer -> {
          step.send(peer, header.encode());
          step.receive(
              peer,
              ByteBuffer.allocate(Header.BYTES),
              bytes -> requireSame(peer, Header.decode(bytes)));
        });
    return step;
  }

  private void requireSame(int peer, Header theirs) {
    if (!theirs.equals(header)) {
      throw new CommunicationException(
          "call #%d on group \"%s\": ranks [%d] called %s, but rank %d %s. All ranks must make the same calls in the same order."
              .formatted(
                  header.number(),
                  members.name(),
                  members.globalRank(),
                  call,
                  members.globalRanks().get(peer),
                  theirs.number() == header.number() ? theirs.call() : theirs));
    }
  }

  private interface PeerAction {
    void with(int peer);
  }

  private void forEachPeer(PeerAction action) {
    for (int peer = 0; peer < members.size(); peer++) {
      if (peer != members.rank()) {
        action.with(peer);
      }
    }
  }

  private void broadcast(Mesh mesh) throws Mesh.StepException {
    for (long at = 0; at < call.numElements(); at += blockElements) {
      Step step = new Step();
      int count = (int) Math.min(blockElements, call.numElements() - at);
      long from = at;
      if (members.rank() == call.root()) {
        forEachPeer(peer -> step.send(peer, whole(from, count)));
      } else {
        step.receive(call.root(), whole(from, count));
      }
      mesh.run(step);
    }
  }

  private void blocks(Mesh mesh) throws Mesh.StepException {
    boolean reduces = call.kind() != Kind.ALL_GATHER;
    boolean gathers = call.kind() != Kind.REDUCE_SCATTER;
    long numBlocks = (greatestPart() + blockElements - 1) / blockElements;
    Scratch scratch = new Scratch(reduces);
    int lag = reduces && gathers ? 1 : 0; // a block is gathered once it is reduced
    for (long block = 0; block < numBlocks + lag; block++) {
      Step step = new Step();
      if (reduces && block < numBlocks) {
        scatter(step, block, scratch);
      }
      if (gathers && block >= lag) {
        gather(step, block - lag);
      }
      mesh.run(step);
      if (reduces && block < numBlocks) {
        reduce(block, scratch);
      }
    }
  }

  private long greatestPart() {
    long greatest = 0;
    for (int rank = 0; rank < members.size(); rank++) {
      greatest = Math.max(greatest, start(rank + 1) - start(rank));
    }
    return greatest;
  }

  private long start(int rank) {
    return call.partStart(rank, members.size());
  }

  /** Returns the number of elements of a rank's part that are in a block. */
  private int count(int rank, long block) {
    long left = start(rank + 1) - start(rank) - block * blockElements;
    return (int) Math.max(0, Math.min(blockElements, left));
  }

  private void scatter(Step step, long block, Scratch scratch) {
    forEachPeer(
        peer -> {
          step.send(peer, part(peer, block));
          step.receive(peer, scratch.of(peer, 0, count(members.rank(), block)));
        });
  }

  private void gather(Step step, long block) {
    ByteBuffer own = own(block, 0, count(members.rank(), block));
    if (shard != null) {
      part(members.rank(), block).put(own.duplicate());
    }
    forEachPeer(
        peer -> {
          step.send(peer, own.duplicate());
          step.receive(peer, part(peer, block));
        });
  }

  private void reduce(long block, Scratch scratch) {
    int count = count(members.rank(), block);
    for (int at = 0; at < count; at += Reduction.BLOCK) {
      int length = Math.min(Reduction.BLOCK, count - at);
      List<ByteBuffer> inputs = new ArrayList<>(members.size());
      for (int rank = 0; rank < members.size(); rank++) {
        inputs.add(
            rank == members.rank()
                ? whole(start(rank) + block * blockElements + at, length)
                : scratch.of(rank, at, length));
      }
      scratch.reduce(inputs, own(block, at, length));
    }
  }

  private ByteBuffer part(int rank, long block) {
    return whole(start(rank) + block * blockElements, count(rank, block));
  }

  private ByteBuffer whole(long from, int count) {
    return requireNonNull(whole).elements(from, count);
  }

  /** Returns a run of this rank's part, in the tensor of its result or its contribution. */
  private ByteBuffer own(long block, int at, int count) {
    long from = block * blockElements + at;
    return shard == null ? whole(start(members.rank()) + from, count) : shard.elements(from, count);
  }

  /** The peers' values of this rank's part, and the reduction of them. */
  private final class Scratch {
    private final ByteBuffer bytes;
    private final @Nullable Reduction reduction;

    Scratch(boolean reduces) {
      int elements = (int) Math.min(blockElements, greatestPart());
      int size = reduces ? members.size() * elements * call.dtype().bytes() : 0;
      bytes = ByteBuffer.allocateDirect(size);
      reduction = call.op() == null ? null : new Reduction(call.dtype(), call.op());
    }

    ByteBuffer of(int peer, int at, int count) {
      int perPeer = bytes.capacity() / members.size();
      int size = call.dtype().bytes();
      return bytes.slice(peer * perPeer + at * size, count * size).order(ByteOrder.LITTLE_ENDIAN);
    }

    void reduce(List<ByteBuffer> inputs, ByteBuffer result) {
      requireNonNull(reduction).reduce(inputs, List.of(result));
    }
  }

  @Override
  public void writeBack() {
    HostTensor result = call.kind() == Kind.REDUCE_SCATTER ? shard : whole;
    if (result != null) {
      result.writeBack();
    }
  }

  @Override
  public void close() {
    if (whole != null) {
      whole.close();
    }
    if (shard != null) {
      shard.close();
    }
  }
}
