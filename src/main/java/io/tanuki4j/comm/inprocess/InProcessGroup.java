package io.tanuki4j.comm.inprocess;

import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostTensor;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/** One rank's side of a group of threads. */
final class InProcessGroup implements ProcessGroup {
  private final SharedState world;
  private final GroupState room;
  private final Members members;
  private final Device device;
  private long numCollectives;
  private long numExchanges;
  private long bytesSent;
  private boolean closed;

  InProcessGroup(SharedState world, GroupState room, Members members, Device device) {
    this.world = world;
    this.room = room;
    this.members = members;
    this.device = device;
  }

  @Override
  public Members members() {
    return members;
  }

  @Override
  public Work allReduce(Tensor inOut, ReduceOp op) {
    HostTensor host = HostTensor.readable(device, inOut);
    return meet(Collective.allReduce(inOut, op), new Operands(host, host));
  }

  @Override
  public Work allGather(Tensor out, Tensor shard) {
    Collective call = Collective.allGather(out, shard, members);
    return meet(
        call, new Operands(HostTensor.readable(device, shard), HostTensor.writable(device, out)));
  }

  @Override
  public Work reduceScatter(Tensor shard, Tensor in, ReduceOp op) {
    Collective call = Collective.reduceScatter(shard, in, op, members);
    return meet(
        call, new Operands(HostTensor.readable(device, in), HostTensor.writable(device, shard)));
  }

  @Override
  public Work broadcast(Tensor inOut, int root) {
    Collective call = Collective.broadcast(inOut, root, members);
    HostTensor host = HostTensor.readable(device, inOut);
    return meet(call, new Operands(host, host));
  }

  @Override
  public void barrier() {
    meet(Collective.BARRIER, Operands.NONE).await();
  }

  private Work meet(Collective call, Operands operands) {
    requireOpen();
    numCollectives++;
    bytesSent += call.bytesSent(rank(), size());
    CollectiveCall meeting = room.arrive(numCollectives, rank(), call, operands);
    return new OnceWork(
        () -> {
          meeting.complete();
          operands.writeBack();
        });
  }

  @Override
  public Work exchange(List<Send> sends, List<Recv> recvs) {
    requireOpen();
    members.requireExchange(sends, recvs);
    numExchanges++;
    Exchange exchange = new Exchange(world, members, numExchanges, device, sends, recvs);
    bytesSent += exchange.bytesSent();
    exchange.post(room.mailboxes());
    return new OnceWork(exchange::complete);
  }

  @Override
  public long bytesSent() {
    return bytesSent;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(members + " is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
  }

  /** Awaits another work once. */
  private static final class OnceWork implements Work {
    private final Runnable wait;
    private boolean over;

    OnceWork(Runnable wait) {
      this.wait = wait;
    }

    @Override
    public void await() {
      if (!over) {
        wait.run();
        over = true;
      }
    }
  }
}
