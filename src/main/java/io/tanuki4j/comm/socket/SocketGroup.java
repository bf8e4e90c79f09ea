package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.comm.rendezvous.Rendezvous;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostTensor;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One rank's side of a group of processes. */
final class SocketGroup implements ProcessGroup {
  private final Members members;
  private final Device device;
  private final Courier courier;
  private long numCollectives;
  private long numExchanges;
  private long bytesSent;

  private SocketGroup(Members members, Device device, Courier courier) {
    this.members = members;
    this.device = device;
    this.courier = courier;
  }

  /**
   * Connects a group.
   *
   * @param creation the number of groups created before
   */
  static SocketGroup connect(
      int creation, Members members, PeerListener listener, Rendezvous rendezvous, Device device) {
    Mesh mesh = Mesh.connect(creation, members, listener, rendezvous);
    return new SocketGroup(members, device, new Courier(members, mesh, rendezvous));
  }

  @Override
  public Members members() {
    return members;
  }

  @Override
  public Work allReduce(Tensor inOut, ReduceOp op) {
    return post(Collective.allReduce(inOut, op), HostTensor.readable(device, inOut), null);
  }

  @Override
  public Work allGather(Tensor out, Tensor shard) {
    Collective call = Collective.allGather(out, shard, members);
    return post(call, HostTensor.writable(device, out), HostTensor.readable(device, shard));
  }

  @Override
  public Work reduceScatter(Tensor shard, Tensor in, ReduceOp op) {
    Collective call = Collective.reduceScatter(shard, in, op, members);
    return post(call, HostTensor.readable(device, in), HostTensor.writable(device, shard));
  }

  @Override
  public Work broadcast(Tensor inOut, int root) {
    Collective call = Collective.broadcast(inOut, root, members);
    return post(call, HostTensor.readable(device, inOut), null);
  }

  @Override
  public void barrier() {
    post(Collective.BARRIER, null, null).await();
  }

  private Work post(Collective call, @Nullable HostTensor whole, @Nullable HostTensor shard) {
    numCollectives++;
    bytesSent += call.bytesSent(rank(), size());
    return courier.post(new CollectiveTransfer(call, members, numCollectives, whole, shard));
  }

  @Override
  public Work exchange(List<Send> sends, List<Recv> recvs) {
    members.requireExchange(sends, recvs);
    numExchanges++;
    ExchangeTransfer transfer = new ExchangeTransfer(members, numExchanges, device, sends, recvs);
    bytesSent += transfer.bytesSent();
    return courier.post(transfer);
  }

  @Override
  public long bytesSent() {
    return bytesSent;
  }

  @Override
  public void close() {
    courier.close();
  }
}
