package io.tanuki4j.comm.counting;

import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/** Counts the bytes that a rank would send; leaves all tensors unchanged. */
final class CountingGroup implements ProcessGroup {
  private final Members members;
  private long bytesSent;

  CountingGroup(Members members) {
    this.members = members;
  }

  @Override
  public Members members() {
    return members;
  }

  @Override
  public Work allReduce(Tensor inOut, ReduceOp op) {
    return count(Collective.allReduce(inOut, op));
  }

  @Override
  public Work allGather(Tensor out, Tensor shard) {
    return count(Collective.allGather(out, shard, members));
  }

  @Override
  public Work reduceScatter(Tensor shard, Tensor in, ReduceOp op) {
    return count(Collective.reduceScatter(shard, in, op, members));
  }

  @Override
  public Work broadcast(Tensor inOut, int root) {
    return count(Collective.broadcast(inOut, root, members));
  }

  private Work count(Collective call) {
    bytesSent += call.bytesSent(rank(), size());
    return Work.DONE;
  }

  @Override
  public Work exchange(List<Send> sends, List<Recv> recvs) {
    members.requireExchange(sends, recvs);
    for (Send send : sends) {
      bytesSent += send.to() == rank() ? 0 : send.tensor().numBytes();
    }
    return Work.DONE;
  }

  @Override
  public void barrier() {}

  @Override
  public long bytesSent() {
    return bytesSent;
  }

  @Override
  public void close() {}
}
