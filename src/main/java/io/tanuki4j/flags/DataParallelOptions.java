package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.parallel.DataParallelConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link DataParallelConfig}. */
public final class DataParallelOptions {
  @Option(
      names = "--use-distributed-optimizer",
      description = "Ranks with other samples share the optimizer's state among them.")
  boolean useDistributedOptimizer;

  @Option(
      names = "--overlap-grad-reduce",
      description = "Gradients are summed over ranks during the backward.")
  boolean overlapGradReduce;

  @Option(
      names = "--overlap-param-gather",
      description = "Weights are gathered during the forward; with both flags above.")
  boolean overlapParamGather;

  @Option(
      names = "--fp8-param-gather",
      description =
          "Weights of linear layers are gathered in eight bits, which halves the bytes; the results"
              + " are the same. With --fp8-format and --use-distributed-optimizer.")
  boolean fp8ParamGather;

  @Option(
      names = "--ddp-bucket-size",
      paramLabel = "N",
      description =
          "Gradients that are summed at a time (1 million for each of the ranks, 40 million at"
              + " least), with --overlap-grad-reduce; otherwise all at once, at the end.")
  @Nullable Integer ddpBucketSize;

  void check(List<String> notices, Problems problems) {
    problems.positive("--ddp-bucket-size", ddpBucketSize, "Leave it out for Megatron's size.");
    if (ddpBucketSize != null && !overlapGradReduce) {
      notices.add("--ddp-bucket-size has no effect without --overlap-grad-reduce");
    }
    if (overlapParamGather && !(useDistributedOptimizer && overlapGradReduce)) {
      problems.add(
          "--overlap-param-gather",
          "given",
          "together with --use-distributed-optimizer and --overlap-grad-reduce",
          "Add them, or leave it out.");
    }
    if (fp8ParamGather && !useDistributedOptimizer) {
      problems.add(
          "--fp8-param-gather",
          "given",
          "together with --use-distributed-optimizer",
          "Add it, or leave this one out.");
    }
  }

  DataParallelConfig toConfig() {
    return new DataParallelConfig(
        useDistributedOptimizer,
        overlapGradReduce,
        overlapParamGather,
        fp8ParamGather,
        overlapGradReduce ? ddpBucketSize : null);
  }
}
