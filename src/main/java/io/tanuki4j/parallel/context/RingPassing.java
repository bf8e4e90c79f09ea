package io.tanuki4j.parallel.context;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.Work;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * Ring attention (Liu et al., 2023): each block of keys and values visits every rank, and is on its
 * way while attention to the block before it is computed.
 */
final class RingPassing implements KeyValuePassing {
  private final Kernels kernels;
  private final ProcessGroup group;

  RingPassing(Kernels kernels, ProcessGroup group) {
    this.kernels = kernels;
    this.group = group;
  }

  @Override
  public void forward(RunningAttention attention, MemoryScope scratch) {
    KeyValues blocks = new KeyValues(kernels.elementwise(), attention.qkv(), attention.shape());
    KeyValueRing ring = ring(blocks, scratch);
    int last = group.size() - 1;
    for (int step = 0; step <= last; step++) {
      Work passing = step == last ? Work.DONE : pass(ring);
      if (step == 0) {
        attention.own();
      } else {
        attention.other(ring.owner(step), ring.block());
      }
      passing.await();
      ring.turn();
    }
  }

  private Work pass(KeyValueRing ring) {
    return group.exchange(List.of(ring.send()), List.of(ring.receive()));
  }

  private KeyValueRing ring(KeyValues blocks, MemoryScope scratch) {
    Tensor own = blocks.allocate(1, scratch);
    Tensor spare = blocks.allocate(1, scratch);
    blocks.pack(own);
    return new KeyValueRing(group, own, spare);
  }

  @Override
  public void backward(RunningGradients gradients, MemoryScope scratch) {
    KeyValues blocks = new KeyValues(kernels.elementwise(), gradients.qkv(), gradients.shape());
    KeyValueRing ring = ring(blocks, scratch);
    new RingBackward(group, ring, gradients, blocks, scratch).run();
  }
}
