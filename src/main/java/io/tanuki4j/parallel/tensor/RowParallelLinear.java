package io.tanuki4j.parallel.tensor;

import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Layer;
import io.tanuki4j.nn.Linear;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.parallel.tensor.TensorRegion.RowsWork;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * {@code y = x · Wᵀ} out of a region: each rank has some features of x, and the columns of W {@code
 * [out, in]} for them, which are rows of Wᵀ. The ranks' products are parts of a sum. Saves its
 * input, without a copy.
 */
public final class RowParallelLinear implements Layer<Tensor> {
  private final Linear linear;
  private final TensorRegion region;

  /**
   * @param weight this rank's columns
   */
  public RowParallelLinear(MatmulKernels kernels, Parameter weight, TensorRegion region) {
    this.linear = new Linear(kernels, weight);
    this.region = region;
  }

  @Override
  public Tensor forward(Tensor out, Tensor x, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("part of a sum")) {
      region.leave(
          out, scratch, (rows, from, to) -> linear.forward(rows, x.rows(from, to), microbatch));
    }
    return x;
  }

  /** Gathers the gradient; of a split backward, once in each half. */
  @Override
  public void backward(Tensor dx, Tensor x, Tensor dOut, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("gathered gradient")) {
      Tensor wholeDOut = region.whole(dOut, scratch);
      RowsWork product = (rows, from, to) -> linear.inputGradient(dx.rows(from, to), rows);
      if (microbatch.isSplit()) {
        region.enter(wholeDOut, dOut, product);
      } else {
        region.enterAndFill(wholeDOut, dOut, product);
        linear.weightGradient(x, wholeDOut, microbatch);
      }
    }
    if (microbatch.isSplit()) {
      microbatch.forWeights(later -> weightGradient(x, dOut, later));
    }
  }

  private void weightGradient(Tensor x, Tensor dOut, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("gathered gradient")) {
      Tensor wholeDOut = region.whole(dOut, scratch);
      region.gather(wholeDOut, dOut).await();
      linear.weightGradient(x, wholeDOut, microbatch);
    }
  }

  @Override
  public List<Parameter> parameters() {
    return linear.parameters();
  }
}
