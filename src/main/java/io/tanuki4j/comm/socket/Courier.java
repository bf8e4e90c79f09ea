package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.Collective.Kind;
import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.Durations;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.tensor.DType;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The thread of a group: carries out its transfers one after another. */
final class Courier implements AutoCloseable {
  /** The time in which news of a dead rank arrives; a connection to it breaks a little earlier. */
  private static final Duration NEWS = Duration.ofSeconds(2);

  private final Members members;
  private final Mesh mesh;
  private final Rendezvous rendezvous;
  private final Thread thread;
  private final Deque<PendingWork> queue = new ArrayDeque<>();
  private boolean closed;

  Courier(Members members, Mesh mesh, Rendezvous rendezvous) {
    this.members = members;
    this.mesh = mesh;
    this.rendezvous = rendezvous;
    this.thread =
        new Thread(this::run, "%s of rank %d".formatted(members.name(), members.globalRank()));
    thread.setDaemon(true);
    thread.start();
  }

  Work post(Transfer transfer) {
    PendingWork work = new PendingWork(transfer);
    synchronized (this) {
      if (closed) {
        transfer.close();
        throw new IllegalStateException(members + " is closed");
      }
      queue.add(work);
      notifyAll();
    }
    return work;
  }

  private void run() {
    PendingWork next = take();
    while (next != null) {
      next.end(carryOut(next.transfer()));
      next = take();
    }
    mesh.close();
  }

  private synchronized @Nullable PendingWork take() {
    try {
      while (queue.isEmpty() && !closed) {
        wait();
      }
    } catch (InterruptedException e) {
      closed = true; // none of our threads interrupts it
    }
    return queue.poll();
  }

  /** Carries out a transfer; returns the sentence of a failure, or null. */
  private @Nullable String carryOut(Transfer transfer) {
    try {
      rendezvous.throwIfFailed();
      transfer.run(mesh);
      return null;
    } catch (Mesh.StepException e) {
      return explain(transfer, e);
    } catch (CommunicationException e) {
      return fail(String.valueOf(e.getMessage()));
    } catch (RuntimeException | Error e) {
      return fail("rank %d failed: %s".formatted(members.globalRank(), FailureSentence.of(e)));
    } finally {
      transfer.close();
    }
  }

  private String explain(Transfer transfer, Mesh.StepException failure) {
    String what = "%s on group \"%s\"".formatted(transfer.what(), members.name());
    List<Integer> missing = failure.peers().stream().map(members.globalRanks()::get).toList();
    if (failure.isLate()) {
      List<Integer> arrived = new ArrayList<>(members.globalRanks());
      arrived.removeAll(missing);
      return fail(
          "%s: ranks %s arrived, %s did not within %s. Look at the output of ranks %s."
              .formatted(what, arrived, missing, Durations.text(rendezvous.limit()), missing));
    }
    rendezvous.awaitFailure(NEWS);
    return fail("%s: ranks %s have ended and did not arrive.".formatted(what, missing));
  }

  /** Tells all ranks, and returns the first failure. */
  private String fail(String sentence) {
    if (rendezvous.failure() == null && !isClosed()) {
      rendezvous.fail(sentence);
    }
    String first = rendezvous.failure();
    return first == null ? sentence : first;
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  /** Drops the transfers that were not carried out; none touches the tensors afterwards. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    mesh.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A transfer handed to the thread of its group. */
  private static final class PendingWork implements Work {
    private final Transfer transfer;
    private boolean over;
    private boolean awaited;
    private @Nullable String failure;

    PendingWork(Transfer transfer) {
      this.transfer = transfer;
    }

    Transfer transfer() {
      return transfer;
    }

    /**
     * Completes the work.
     *
     * @param sentence what went wrong; null if nothing
     */
    synchronized void end(@Nullable String sentence) {
      over = true;
      failure = sentence;
      notifyAll();
    }

    @Override
    public synchronized void await() {
      try {
        while (!over) {
          wait();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommunicationException("interrupted while waiting for other ranks.");
      }
      if (failure != null) {
        throw new CommunicationException(failure);
      }
      if (!awaited) {
        awaited = true;
        transfer.writeBack();
      }
    }
  }

  /** A communication as the thread of its group carries it out. */
  interface Transfer {
    /** Returns a description, for example {@code all-reduce #118}. */
    String what();

    /**
     * Carries out the communication.
     *
     * @throws Mesh.StepException if a peer does not do its part
     */
    void run(Mesh mesh) throws Mesh.StepException;

    /** Copies what was received into the tensors; called by the rank's own thread. */
    void writeBack();

    /** Releases the tensors' memory. */
    void close();
  }

  /**
   * Precedes the data, so that ranks in different calls find out before they mix up their data.
   *
   * @param number counts the collectives of a group; 0 for a message between two ranks
   * @param call for a message: a broadcast from the group's rank that sends it
   */
  record Header(long number, Collective call) {
    static final int BYTES = 32;

    static Header message(DType dtype, long numElements, int from) {
      return new Header(0, new Collective(Kind.BROADCAST, dtype, numElements, null, from));
    }

    long numBytes() {
      return call.numElements() * call.dtype().bytes();
    }

    ByteBuffer encode() {
      ReduceOp op = call.op();
      return ByteBuffer.allocate(BYTES)
          .putLong(number)
          .putInt(call.kind().ordinal())
          .putInt(call.dtype().ordinal())
          .putLong(call.numElements())
          .putInt(op == null ? -1 : op.ordinal())
          .putInt(call.root())
          .flip();
    }

    static Header decode(ByteBuffer bytes) {
      long number = bytes.getLong();
      Kind kind = Kind.values()[bytes.getInt()];
      DType dtype = DType.values()[bytes.getInt()];
      long numElements = bytes.getLong();
      int op = bytes.getInt();
      List<ReduceOp> ops = List.of(ReduceOp.values());
      return new Header(
          number,
          new Collective(kind, dtype, numElements, op < 0 ? null : ops.get(op), bytes.getInt()));
    }

    /**
     * Returns a description, for example {@code message of 4 F32} or {@code call #7, all-reduce
     * (sum) of 4 F32}.
     */
    @Override
    public String toString() {
      return number == 0
          ? "a message of %d %s".formatted(call.numElements(), call.dtype())
          : "call #%d, %s".formatted(number, call);
    }
  }
}
