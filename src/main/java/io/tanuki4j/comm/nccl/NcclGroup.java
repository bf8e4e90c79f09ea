package io.tanuki4j.comm.nccl;

import io.tanuki4j.backend.cuda.CudaDevice;
import io.tanuki4j.backend.cuda.CudaMark;
import io.tanuki4j.backend.cuda.CudaQueue;
import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.stream.Stream;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * One rank's side of a group of GPUs. A call puts the communication on the group's stream, behind
 * all operations issued to the device so far.
 *
 * <p>Sums are NCCL's: they have an order of their own, and sixteen bits are rounded at each hop.
 * The maximum of a number and NaN may be the number.
 */
final class NcclGroup implements ProcessGroup {
  /** The size of the tensor that barriers sum. */
  private static final int TOKEN_BYTES = 512;

  private final Members members;
  private final CudaDevice device;
  private final Communicator communicator;
  private final Watchdog watchdog;
  private final @Nullable PeerCopies copies;
  private final CudaQueue queue;

  /**
   * The mark behind the latest communication into each address. No two are in progress there, and a
   * recording that waits for one waits for the later ones at each replay.
   */
  private final Map<Long, CudaMark> marks = new HashMap<>();

  private final MemoryScope scope;
  private final Tensor token;
  private long bytesSent;

  /**
   * @param copies carry out exchanges that they take; null for none
   */
  NcclGroup(
      Members members,
      CudaDevice device,
      Communicator communicator,
      Watchdog watchdog,
      @Nullable PeerCopies copies) {
    this.members = members;
    this.device = device;
    this.communicator = communicator;
    this.watchdog = watchdog;
    this.copies = copies;
    this.queue = device.openQueue();
    this.scope = device.openScope("group " + members.name(), TOKEN_BYTES);
    this.token = scope.allocate(Shape.of(1), DType.F32);
    device.kernels().elementwise().fill(token, 0);
  }

  @Override
  public Members members() {
    return members;
  }

  @Override
  public Work allReduce(Tensor inOut, ReduceOp op) {
    Pointer place = CudaDevice.pointer(inOut);
    return post(
        Collective.allReduce(inOut, op),
        inOut,
        () ->
            nccl.ncclAllReduce(
                place, place, inOut.numElements(), type(inOut), op(op), handle(), stream()));
  }

  @Override
  public Work allGather(Tensor out, Tensor shard) {
    return post(
        Collective.allGather(out, shard, members),
        out,
        () ->
            nccl.ncclAllGather(
                CudaDevice.pointer(shard),
                CudaDevice.pointer(out),
                shard.numElements(),
                type(shard),
                handle(),
                stream()));
  }

  @Override
  public Work reduceScatter(Tensor shard, Tensor in, ReduceOp op) {
    return post(
        Collective.reduceScatter(shard, in, op, members),
        shard,
        () ->
            nccl.ncclReduceScatter(
                CudaDevice.pointer(in),
                CudaDevice.pointer(shard),
                shard.numElements(),
                type(in),
                op(op),
                handle(),
                stream()));
  }

  @Override
  public Work broadcast(Tensor inOut, int root) {
    Pointer place = CudaDevice.pointer(inOut);
    return post(
        Collective.broadcast(inOut, root, members),
        inOut,
        () ->
            nccl.ncclBroadcast(
                place, place, inOut.numElements(), type(inOut), root, handle(), stream()));
  }

  private Work post(Collective collective, Tensor out, IntSupplier issue) {
    Work work = post(new Call(collective, members), out, issue);
    count(collective.bytesSent(rank(), size()));
    return work;
  }

  /** The operation in progress, for the message if it never ends. */
  private record Call(Object operation, Members members) {
    @Override
    public String toString() {
      return operation + " in " + members;
    }
  }

  @Override
  public Work exchange(List<Send> sends, List<Recv> recvs) {
    members.requireExchange(sends, recvs);
    Tensor first =
        Stream.concat(recvs.stream().map(Recv::tensor), sends.stream().map(Send::tensor))
            .findFirst()
            .orElse(token);
    Work work = post(new Call("an exchange", members), first, () -> exchangeNow(sends, recvs));
    count(
        sends.stream()
            .filter(send -> send.to() != rank())
            .mapToLong(send -> send.tensor().numBytes())
            .sum());
    return work;
  }

  /** Counts what a call sends, once each time it does. */
  private void count(long bytes) {
    device.onHost(() -> bytesSent += bytes);
  }

  private int exchangeNow(List<Send> sends, List<Recv> recvs) {
    if (copies != null && copies.takes(sends, recvs)) {
      copies.issue(queue, sends, recvs);
      return nccl.ncclSuccess;
    }
    watchdog.check(nccl.ncclGroupStart(), "ncclGroupStart");
    for (Send send : sends) {
      Tensor tensor = send.tensor();
      Pointer place = CudaDevice.pointer(tensor);
      watchdog.check(
          nccl.ncclSend(place, tensor.numElements(), type(tensor), send.to(), handle(), stream()),
          "ncclSend");
    }
    for (Recv recv : recvs) {
      Tensor tensor = recv.tensor();
      Pointer place = CudaDevice.pointer(tensor);
      watchdog.check(
          nccl.ncclRecv(place, tensor.numElements(), type(tensor), recv.from(), handle(), stream()),
          "ncclRecv");
    }
    return nccl.ncclGroupEnd();
  }

  /** Issues on the group's stream, behind the device's operations so far. */
  private Work post(Call call, Tensor out, IntSupplier issue) {
    watchdog.calling(call);
    device.holdUp(queue);
    watchdog.check(issue.getAsInt(), call);
    long address = CudaDevice.pointer(out).address();
    CudaMark done = marks.computeIfAbsent(address, key -> device.openMark());
    queue.mark(done);
    watchdog.called(call, queue);
    return new NcclWork(device, done, device.isRecording());
  }

  @Override
  public void barrier() {
    post(
            new Call(Collective.BARRIER, members),
            token,
            () -> {
              Pointer place = CudaDevice.pointer(token);
              return nccl.ncclAllReduce(
                  place, place, 1, nccl.ncclFloat, nccl.ncclSum, handle(), stream());
            })
        .await();
    device.synchronize();
  }

  @Override
  public long bytesSent() {
    return bytesSent;
  }

  private ncclComm handle() {
    return communicator.handle();
  }

  private CUstream_st stream() {
    return queue.handle();
  }

  private static int op(ReduceOp op) {
    return switch (op) {
      case SUM -> nccl.ncclSum;
      case MAX -> nccl.ncclMax;
    };
  }

  private static int type(Tensor tensor) {
    return switch (tensor.dtype()) {
      case F8_E4M3, F8_E5M2 -> nccl.ncclUint8; // has no sums, and is only passed along
      case BF16 -> nccl.ncclBfloat16;
      case F16 -> nccl.ncclHalf;
      case F32 -> nccl.ncclFloat;
      case F64 -> nccl.ncclDouble;
      case I32 -> nccl.ncclInt;
      case I64 -> nccl.ncclInt64;
    };
  }

  @Override
  public void close() {
    communicator.close();
    if (copies != null) {
      copies.close();
    }
    marks.values().forEach(CudaMark::close);
    queue.close();
    scope.close();
  }

  /** A communication on its group's stream, with a mark behind it. */
  private static final class NcclWork implements Work {
    private final CudaDevice device;
    private final CudaMark done;
    private final boolean isRecorded;
    private boolean awaited;

    NcclWork(CudaDevice device, CudaMark done, boolean isRecorded) {
      this.device = device;
      this.done = done;
      this.isRecorded = isRecorded;
    }

    /** Makes the device's operations wait, but not the host. */
    @Override
    public void await() {
      if (device.isRecording() && !isRecorded) {
        device.awaitOutside(done);
      } else if (!awaited) {
        awaited = true;
        device.await(done);
      }
    }
  }
}
