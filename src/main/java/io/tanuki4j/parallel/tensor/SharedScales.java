package io.tanuki4j.parallel.tensor;

import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.nn.fp8.Fp8Config.Recipe;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tensor.Tensor;
import java.util.function.Consumer;

/** Chooses the ranks that share the scales of a tensor. */
public final class SharedScales {
  private SharedScales() {}

  /**
   * Returns an operation that replaces each magnitude with the largest of the ranks that share a
   * scale. With delayed scaling these are all ranks that have the layer, so that a layout changes
   * no scale. With tensorwise scaling they are only those that gather shards of the same tensor,
   * since the scale is waited for.
   */
  public static Consumer<Tensor> largest(ParallelContext context, Recipe recipe) {
    return amax -> {
      context.tp().allReduce(amax, ReduceOp.MAX).await();
      if (recipe == Recipe.DELAYED) {
        context.dpCp().allReduce(amax, ReduceOp.MAX).await();
      }
    };
  }
}
