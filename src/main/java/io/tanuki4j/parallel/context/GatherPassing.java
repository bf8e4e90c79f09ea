package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.comm.Work;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;

/**
 * Gathers the keys and values of all ranks while each attends to its own; the backward gathers them
 * again, and scatters the sums of their gradients.
 */
final class GatherPassing implements KeyValuePassing {
  private final Kernels kernels;
  private final ProcessGroup group;

  GatherPassing(Kernels kernels, ProcessGroup group) {
    this.kernels = kernels;
    this.group = group;
  }

  @Override
  public void forward(RunningAttention attention, MemoryScope scratch) {
    KeyValues blocks = new KeyValues(kernels.elementwise(), attention.qkv(), attention.shape());
    Tensor all = blocks.allocate(group.size(), scratch);
    Work gathering = gather(blocks, all);
    attention.own();
    gathering.await();
    for (int owner = 0; owner < group.size(); owner++) {
      if (owner != group.rank()) {
        attention.other(owner, block(all, owner));
      }
    }
  }

  @Override
  public void backward(RunningGradients gradients, MemoryScope scratch) {
    KeyValues blocks = new KeyValues(kernels.elementwise(), gradients.qkv(), gradients.shape());
    Tensor all = blocks.allocate(group.size(), scratch);
    Tensor dAll = blocks.allocate(group.size(), scratch);
    Work gathering = gather(blocks, all);
    kernels.elementwise().fill(dAll, 0);
    gradients.own();
    gathering.await();
    for (int owner = 0; owner < group.size(); owner++) {
      if (owner != group.rank()) {
        gradients.other(owner, block(all, owner), block(dAll, owner));
      }
    }
    Tensor own = block(dAll, group.rank());
    group.reduceScatter(own, dAll, ReduceOp.SUM).await();
    gradients.add(own);
  }

  private Work gather(KeyValues blocks, Tensor all) {
    Tensor own = block(all, group.rank());
    blocks.pack(own);
    return group.allGather(all, own);
  }

  private Tensor block(Tensor all, int owner) {
    long length = all.dim(0) / group.size();
    return all.rows(owner * length, (owner + 1) * length);
  }
}
