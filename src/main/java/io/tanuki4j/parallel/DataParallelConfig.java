package io.tanuki4j.parallel;

import io.tanuki4j.nn.BucketLayout;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What ranks with other samples exchange, and when.
 *
 * @param distributedOptimizer {@code --use-distributed-optimizer}: each rank of data and context
 *     parallelism has a part of the optimizer's state
 * @param overlapGradReduce {@code --overlap-grad-reduce}: gradients are summed by buckets during
 *     the last backward
 * @param overlapParamGather {@code --overlap-param-gather}: weights are gathered during the next
 *     forward; only with both of the others
 * @param narrowParamGather {@code --fp8-param-gather}: weights of linear layers in FP8 are gathered
 *     as FP8; only with distributedOptimizer
 * @param bucketElements {@code --ddp-bucket-size}, elements of a bucket; null for Megatron's rule.
 *     Without overlapGradReduce a bucket is as large as it can be.
 */
public record DataParallelConfig(
    boolean distributedOptimizer,
    boolean overlapGradReduce,
    boolean overlapParamGather,
    boolean narrowParamGather,
    @Nullable Integer bucketElements) {
  /** Megatron's default: every rank has the whole state, nothing overlaps. */
  public static final DataParallelConfig PLAIN =
      new DataParallelConfig(false, false, false, false, null);

  private static final long LEAST_ELEMENTS = 40_000_000;
  private static final long ELEMENTS_PER_RANK = 1_000_000;

  /** Returns the same with {@code --use-distributed-optimizer}. */
  DataParallelConfig withDistributedOptimizer() {
    return new DataParallelConfig(
        true, overlapGradReduce, overlapParamGather, narrowParamGather, bucketElements);
  }

  /**
   * Cuts a rank's parameters into buckets.
   *
   * @param replicas ranks that sum gradients together: of data and context parallelism
   * @param tied names of parameters that several stages have
   * @param narrow names of weights in FP8
   */
  public BucketLayout bucketPlan(int replicas, Set<String> tied, Set<String> narrow) {
    return new BucketLayout(
        bucketElements(replicas),
        distributedOptimizer ? replicas : 1,
        tied,
        narrowParamGather ? narrow : Set.of());
  }

  private long bucketElements(int replicas) {
    if (!overlapGradReduce) {
      return Long.MAX_VALUE;
    }
    return bucketElements == null
        ? Math.max(LEAST_ELEMENTS, ELEMENTS_PER_RANK * replicas)
        : bucketElements;
  }
}
