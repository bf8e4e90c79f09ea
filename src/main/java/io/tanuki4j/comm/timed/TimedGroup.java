package io.tanuki4j.comm.timed;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/** Measures how long each wait takes. */
final class TimedGroup implements ProcessGroup {
  private final ProcessGroup group;
  private final WaitTimer timer;

  TimedGroup(ProcessGroup group, WaitTimer timer) {
    this.group = group;
    this.timer = timer;
  }

  @Override
  public Members members() {
    return group.members();
  }

  @Override
  public Work allReduce(Tensor inOut, ReduceOp op) {
    return timed(group.allReduce(inOut, op));
  }

  @Override
  public Work allGather(Tensor out, Tensor shard) {
    return timed(group.allGather(out, shard));
  }

  @Override
  public Work reduceScatter(Tensor shard, Tensor in, ReduceOp op) {
    return timed(group.reduceScatter(shard, in, op));
  }

  @Override
  public Work broadcast(Tensor inOut, int root) {
    return timed(group.broadcast(inOut, root));
  }

  @Override
  public Work exchange(List<Send> sends, List<Recv> recvs) {
    return timed(group.exchange(sends, recvs));
  }

  @Override
  public void barrier() {
    measure(group::barrier);
  }

  private Work timed(Work work) {
    return work == Work.DONE ? work : () -> measure(work::await);
  }

  private void measure(Runnable wait) {
    timer.measure(name(), wait);
  }

  @Override
  public long bytesSent() {
    return group.bytesSent();
  }

  @Override
  public void close() {
    group.close();
  }
}
