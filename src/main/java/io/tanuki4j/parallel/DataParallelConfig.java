package io.tanuki4j.parallel;

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
 * @param bucketElements {@code --ddp-bucket-size}, elements of a bucket; null for Megatron's rule
 */
public record DataParallelConfig(
    boolean distributedOptimizer,
    boolean overlapGradReduce,
    boolean overlapParamGather,
    @Nullable Integer bucketElements) {
  /** Megatron's default: every rank has the whole state, nothing overlaps. */
  public static final DataParallelConfig PLAIN = new DataParallelConfig(false, false, false, null);
}
