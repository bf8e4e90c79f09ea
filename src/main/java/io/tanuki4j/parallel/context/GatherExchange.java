package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.parallel.context.BlockwiseAttention.KeyValues;
import io.tanuki4j.tensor.Tensor;

/**
 * Gathers the keys and values of all ranks while each attends to its own. The backward gathers them
 * again, and scatters the sums of their gradients while each attends to its own.
 *
 * @param group its ranks share the sequences
 */
record GatherExchange(ElementwiseKernels kernels, ProcessGroup group)
    implements ContextAttention.Exchange {

  @Override
  public void forward(BlockwiseAttention.Forward attention, MemoryScope scratch) {
    KeyValues blocks = attention.keyValues();
    Tensor all = blocks.allocate(group.size(), scratch);
    Work gathering = gather(blocks, all);
    attention.attendToOwnKeys();
    gathering.await();
    for (int owner = 0; owner < group.size(); owner++) {
      if (owner != group.rank()) {
        attention.attendToKeysOf(owner, block(all, owner));
      }
    }
  }

  @Override
  public Begun beginBackward(KeyValues blocks, MemoryScope scope) {
    Tensor all = blocks.allocate(group.size(), scope);
    Work gathering = gather(blocks, all);
    return (gradients, scratch) -> backward(all, gathering, gradients, scratch);
  }

  private void backward(
      Tensor all, Work gathering, BlockwiseAttention.Backward gradients, MemoryScope scratch) {
    Tensor dAll = gradients.keyValues().allocate(group.size(), scratch);
    kernels.fill(dAll, 0);
    gathering.await();
    for (int owner = 0; owner < group.size(); owner++) {
      if (owner != group.rank()) {
        gradients.attendToKeysOf(owner, block(all, owner), block(dAll, owner));
      }
    }
    Tensor own = block(dAll, group.rank());
    Work summing = group.reduceScatter(own, dAll, ReduceOp.SUM);
    gradients.attendToOwnKeys();
    summing.await();
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
