package io.tanuki4j.parallel.tensor;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
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
    return recipe == Recipe.DELAYED ? largest(context) : amax -> largest(context.tp(), amax);
  }

  /** Returns the operation for magnitudes of which all ranks with a layer have a part. */
  public static Consumer<Tensor> largest(ParallelContext context) {
    return amax -> {
      largest(context.tp(), amax);
      largest(context.dpCp(), amax);
    };
  }

  private static void largest(ProcessGroup group, Tensor amax) {
    group.allReduce(amax, ReduceOp.MAX).await();
  }
}
