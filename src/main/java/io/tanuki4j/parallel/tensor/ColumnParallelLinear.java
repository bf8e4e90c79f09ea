package io.tanuki4j.parallel.tensor;

import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Layer;
import io.tanuki4j.nn.Linear;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * {@code y = x · Wᵀ} into a region: each rank has some rows of W {@code [out, in]}, which are
 * columns of Wᵀ, and computes these features of y for the whole sequence. Saves its input, without
 * a copy; where that is a shard of the sequence, it is gathered again in the backward.
 */
public final class ColumnParallelLinear implements Layer<Tensor> {
  private final Linear linear;
  private final TensorRegion region;

  /**
   * @param weight this rank's rows
   */
  public ColumnParallelLinear(MatmulKernels kernels, Parameter weight, TensorRegion region) {
    this.linear = new Linear(kernels, weight);
    this.region = region;
  }

  /** Returns the width of this rank's part of the output. */
  public long outSize() {
    return linear.outSize();
  }

  @Override
  public Tensor forward(Tensor out, Tensor x, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("gathered input")) {
      Tensor wholeX = region.whole(x, scratch);
      region.enter(
          wholeX, x, (rows, from, to) -> linear.forward(out.rows(from, to), rows, microbatch));
    }
    return x;
  }

  /**
   * Gathers the input during dX's product, and sums dX during dW's product. A split backward
   * gathers the input in its second half.
   */
  @Override
  public void backward(Tensor dx, Tensor x, Tensor dOut, Microbatch microbatch) {
    if (microbatch.isSplit()) {
      inputGradient(dx, dOut, microbatch);
      microbatch.forWeights(later -> weightGradient(x, dOut, later));
      return;
    }
    try (MemoryScope scratch = microbatch.scope().child("gathered input")) {
      Tensor wholeX = region.whole(x, scratch);
      Tensor wholeDx = region.whole(dx, scratch);
      Work gathered = region.gather(wholeX, x);
      linear.inputGradient(wholeDx, dOut);
      Work summed = region.sum(dx, wholeDx, scratch);
      gathered.await();
      linear.weightGradient(wholeX, dOut, microbatch);
      summed.await();
    }
  }

  private void inputGradient(Tensor dx, Tensor dOut, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("part of a sum")) {
      Tensor wholeDx = region.whole(dx, scratch);
      linear.inputGradient(wholeDx, dOut);
      region.sum(dx, wholeDx, scratch).await();
    }
  }

  private void weightGradient(Tensor x, Tensor dOut, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("gathered input")) {
      Tensor wholeX = region.whole(x, scratch);
      region.gather(wholeX, x).await();
      linear.weightGradient(wholeX, dOut, microbatch);
    }
  }

  @Override
  public List<Parameter> parameters() {
    return linear.parameters();
  }
}
