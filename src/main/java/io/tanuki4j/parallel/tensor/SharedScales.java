package io.tanuki4j.parallel.tensor;

import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.nn.fp8.Fp8Config.Recipe;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tensor.Tensor;
import java.util.function.Consumer;

/** Which ranks scale the parts of a tensor alike. */
public final class SharedScales {
  private SharedScales() {}

  /**
   * Makes each magnitude the largest of the ranks that scale alike: with delayed scaling all that
   * have the layer, so that a layout changes no scale; with tensorwise scaling those alone that
   * gather shards of the same tensor, since a tensor's own scale is waited for.
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
