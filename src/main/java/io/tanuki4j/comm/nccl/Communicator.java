package io.tanuki4j.comm.nccl;

import io.tanuki4j.backend.cuda.CudaDevice;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.cuda.nccl.ncclUniqueId;
import org.bytedeco.javacpp.BytePointer;
import org.jspecify.annotations.Nullable;

/** NCCL's handle of a group of ranks. Any thread can abort it, which ends whatever hangs in it. */
final class Communicator implements AutoCloseable {
  private static final String ID = "nccl/id";
  private static final int ID_BYTES = 128;

  private final String name;
  private final ncclComm handle;
  private final Watchdog watchdog;
  private boolean ended;
  private @Nullable Thread aborting;

  private Communicator(String name, ncclComm handle, Watchdog watchdog) {
    this.name = name;
    this.handle = handle;
    this.watchdog = watchdog;
  }

  /** Connects all ranks. */
  static Communicator world(Rendezvous rendezvous, CudaDevice device, Watchdog watchdog) {
    int rank = rendezvous.environment().globalRank();
    int size = rendezvous.environment().worldSize();
    ncclUniqueId id = id(rendezvous, rank, watchdog);
    ncclComm handle = new ncclComm();
    Communicator made = new Communicator("world", handle, watchdog);
    made.connect("ncclCommInitRank", () -> nccl.ncclCommInitRank(handle, size, id, rank));
    return made;
  }

  private static ncclUniqueId id(Rendezvous rendezvous, int rank, Watchdog watchdog) {
    ncclUniqueId id = new ncclUniqueId();
    BytePointer bytes = new BytePointer(id).capacity(ID_BYTES);
    if (rank == 0) {
      watchdog.check(nccl.ncclGetUniqueId(id), "ncclGetUniqueId");
      byte[] values = new byte[ID_BYTES];
      bytes.get(values);
      rendezvous.set(ID, values);
    } else {
      bytes.put(rendezvous.await(ID, 0));
    }
    return id;
  }

  /**
   * Creates a communicator of some of the ranks; all of them call it.
   *
   * @param members null for a rank that is alone and needs none
   * @return null without members
   */
  @Nullable Communicator split(@Nullable Members members, String what) {
    ncclComm part = new ncclComm();
    Communicator made = new Communicator(what, part, watchdog);
    int color = members == null ? nccl.NCCL_SPLIT_NOCOLOR : members.index();
    int key = members == null ? 0 : members.rank();
    made.connect(
        "ncclCommSplit of " + what, () -> nccl.ncclCommSplit(handle, color, key, part, null));
    return members == null ? null : made;
  }

  /** Connects on another thread, since NCCL waits for the other ranks without a time limit. */
  private void connect(String call, IntSupplier connecting) {
    watchdog.check(watchdog.patiently(call, connecting), call);
    if (!handle.isNull()) {
      watchdog.add(this);
    }
  }

  String name() {
    return name;
  }

  ncclComm handle() {
    return handle;
  }

  /** Returns the error that occurred in the background; empty if there is none. */
  synchronized String asynchronousError() {
    if (ended) {
      return "";
    }
    int[] status = new int[1];
    int query = nccl.ncclCommGetAsyncError(handle, status);
    if (query != nccl.ncclSuccess) {
      return NcclStatus.text(query);
    }
    return NcclStatus.failed(status[0]) ? NcclStatus.text(status[0]) : "";
  }

  /**
   * Aborts what runs in it on this rank, without waiting for others. NCCL ends the work at once,
   * but returns only when no recording contains part of it any more. A separate thread therefore
   * waits.
   */
  synchronized void abort() {
    if (!ended) {
      ended = true;
      Thread thread = new Thread(this::abortNow, "abort of group " + name);
      thread.setDaemon(true);
      thread.start();
      aborting = thread;
    }
  }

  /** A new thread is bound to GPU 0, and NCCL crashes if the communicator is of another one. */
  private void abortNow() {
    watchdog.bindToThread();
    int unused = nccl.ncclCommAbort(handle);
  }

  /** Waits for the end of an abort that has begun, but not beyond a time of the system's clock. */
  void awaitAbort(long endNanos) throws InterruptedException {
    Thread thread;
    synchronized (this) {
      thread = aborting;
    }
    if (thread != null) {
      TimeUnit.NANOSECONDS.timedJoin(thread, endNanos - System.nanoTime());
    }
  }

  /** Waits for the other ranks to do the same, unless the communicator was aborted. */
  @Override
  public void close() {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
    }
    watchdog.remove(this);
    watchdog.check(nccl.ncclCommDestroy(handle), "ncclCommDestroy of " + name);
  }
}
