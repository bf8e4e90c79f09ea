package io.tanuki4j.comm;

import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/** A group of one rank: it sends nothing, and every call is complete when it returns. */
public final class SoloGroup implements ProcessGroup {
  private final Members members;
  private final Device device;

  /**
   * Creates a group of one rank.
   *
   * @param device where the tensors are; copies of a shard to its output run there
   */
  public SoloGroup(String name, int globalRank, Device device) {
    this(new Members(name, List.of(globalRank), 0, 0), device);
  }

  /**
   * Creates the group of a single member.
   *
   * @throws IllegalArgumentException if there is more than one member
   */
  public SoloGroup(Members members, Device device) {
    if (members.size() != 1) {
      throw new IllegalArgumentException(members + " (expected: one rank)");
    }
    this.members = members;
    this.device = device;
  }

  @Override
  public Members members() {
    return members;
  }

  @Override
  public Work allReduce(Tensor inOut, ReduceOp op) {
    return Work.DONE;
  }

  @Override
  public Work allGather(Tensor out, Tensor shard) {
    Collective.allGather(out, shard, members);
    copy(out, shard);
    return Work.DONE;
  }

  @Override
  public Work reduceScatter(Tensor shard, Tensor in, ReduceOp op) {
    Collective.reduceScatter(shard, in, op, members);
    copy(shard, in);
    return Work.DONE;
  }

  @Override
  public Work broadcast(Tensor inOut, int root) {
    members.requireRank("root of broadcast", root);
    return Work.DONE;
  }

  /** Copies the n-th send into the n-th receive. */
  @Override
  public Work exchange(List<Send> sends, List<Recv> recvs) {
    members.requireExchange(sends, recvs);
    for (int i = 0; i < sends.size(); i++) {
      copy(recvs.get(i).tensor(), sends.get(i).tensor());
    }
    return Work.DONE;
  }

  private void copy(Tensor out, Tensor in) {
    if (out.dtype() != in.dtype() || out.numElements() != in.numElements()) {
      throw new IllegalArgumentException(
          "exchange on group \"%s\": %s is sent, %s expected".formatted(name(), in, out));
    }
    boolean same = out.buffer().equals(in.buffer()) && out.byteOffset() == in.byteOffset();
    if (!same) {
      device.kernels().elementwise().copy(asFloats(out), asFloats(in.reshape(out.shape())));
    }
  }

  /** Returns the same bits as a floating type, since kernels do not copy integers. */
  private static Tensor asFloats(Tensor tensor) {
    if (tensor.dtype().isFloatingPoint()) {
      return tensor;
    }
    DType type = tensor.dtype() == DType.I64 ? DType.F64 : DType.F32;
    return new Tensor(tensor.shape(), type, tensor.buffer(), tensor.byteOffset());
  }

  @Override
  public void barrier() {}

  @Override
  public long bytesSent() {
    return 0;
  }

  @Override
  public void close() {}
}
