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
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.IntSupplier;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.javacpp.Pointer;

/**
 * One rank's side of a group of GPUs. A call puts the communication on the group's stream, behind
 * all operations issued to the device so far.
 *
 * <p>Sums are NCCL's: they have an order of their own, and BF16 is rounded at each hop. The maximum
 * of a number and NaN may be the number.
 */
final class NcclGroup implements ProcessGroup {
  /** The size of the tensor that barriers sum. */
  private static final int TOKEN_BYTES = 512;

  private final Members members;
  private final CudaDevice device;
  private final Communicator communicator;
  private final Watchdog watchdog;
  private final CudaQueue queue;
  private final CudaMark before;
  private final Deque<CudaMark> free = new ArrayDeque<>();
  private final MemoryScope scope;
  private final Tensor token;
  private long bytesSent;

  NcclGroup(Members members, CudaDevice device, Communicator communicator, Watchdog watchdog) {
    this.members = members;
    this.device = device;
    this.communicator = communicator;
    this.watchdog = watchdog;
    this.queue = device.openQueue();
    this.before = device.openMark();
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
        () ->
            nccl.ncclAllReduce(
                place, place, inOut.numElements(), type(inOut), op(op), handle(), stream()));
  }

  @Override
  public Work allGather(Tensor out, Tensor shard) {
    return post(
        Collective.allGather(out, shard, members),
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
        () ->
            nccl.ncclBroadcast(
                place, place, inOut.numElements(), type(inOut), root, handle(), stream()));
  }

  private Work post(Collective collective, IntSupplier issue) {
    Work work = post(new Call(collective, members), issue);
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
    Work work = post(new Call("an exchange", members), () -> exchangeNow(sends, recvs));
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
  private Work post(Call call, IntSupplier issue) {
    watchdog.calling(call);
    device.mark(before);
    queue.await(before);
    watchdog.check(issue.getAsInt(), call);
    CudaMark done = free.isEmpty() ? device.openMark() : free.pop();
    queue.mark(done);
    watchdog.called(call, queue);
    return new NcclWork(this, device, done);
  }

  private void giveBack(CudaMark mark) {
    free.push(mark);
  }

  @Override
  public void barrier() {
    post(
            new Call(Collective.BARRIER, members),
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
      case F32 -> nccl.ncclFloat;
      case F64 -> nccl.ncclDouble;
      case I32 -> nccl.ncclInt;
      case I64 -> nccl.ncclInt64;
    };
  }

  @Override
  public void close() {
    communicator.close();
    free.forEach(CudaMark::close);
    before.close();
    queue.close();
    scope.close();
  }

  /** A communication on its group's stream, with a mark behind it. */
  private static final class NcclWork implements Work {
    private final NcclGroup group;
    private final CudaDevice device;
    private final CudaMark done;
    private boolean awaited;

    NcclWork(NcclGroup group, CudaDevice device, CudaMark done) {
      this.group = group;
      this.device = device;
      this.done = done;
    }

    /** Makes the device's operations wait, but not the host. */
    @Override
    public void await() {
      if (!awaited) {
        awaited = true;
        device.await(done);
        group.giveBack(done);
      }
    }
  }
}
