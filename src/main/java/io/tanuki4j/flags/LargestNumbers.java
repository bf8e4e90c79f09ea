package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The largest numbers that flags accept. A larger number is a slip of the user. Products of such
 * sizes would overflow their types, or take hours to count through.
 */
public final class LargestNumbers {
  private static final long MINUTES_OF_A_YEAR = 366 * 24 * 60;
  private static final Map<String, Long> LARGEST = new HashMap<>();

  static {
    atMost(1 << 12, "--num-workers", "--workers", "--partitions", "--local-ranks");
    atMost(1 << 12, "--nproc-per-node", "--ranks-per-gpu", "--kv-channels");
    atMost(1 << 13, "--num-layers", "--micro-batch-size", "--num-attention-heads");
    atMost(1 << 13, "--decoder-first-pipeline-num-layers", "--decoder-last-pipeline-num-layers");
    atMost(1 << 13, "--num-layers-per-virtual-pipeline-stage", "--num-query-groups");
    atMost(1 << 13, "--num-virtual-stages-per-pipeline-rank", "--recompute-num-layers");
    atMost(DistributedOptions.MAX_RANKS, "--world-size", "--nnodes", "--global-batch-size");
    atMost(DistributedOptions.MAX_RANKS, "--context-parallel-size");
    atMost(DistributedOptions.MAX_RANKS, "--tensor-model-parallel-size");
    atMost(DistributedOptions.MAX_RANKS, "--pipeline-model-parallel-size");
    atMost(DistributedOptions.MAX_RANKS, "--target-tensor-parallel-size");
    atMost(DistributedOptions.MAX_RANKS, "--target-pipeline-parallel-size");
    atMost(MINUTES_OF_A_YEAR, "--distributed-timeout-minutes");
    atMost(1 << 20, "--hidden-size", "--eval-iters");
    atMost(1 << 22, "--ffn-hidden-size");
    atMost(1 << 24, "--seq-length", "--encoder-seq-length", "--max-position-embeddings");
    atMost(1 << 24, "--vocab-size", "--padded-vocab-size", "--true-vocab-size");
    atMost(1 << 24, "--vocab-extra-ids", "--make-vocab-size-divisible-by", "--max-new-tokens");
  }

  private LargestNumbers() {}

  private static void atMost(long number, String... flags) {
    for (String flag : flags) {
      LARGEST.put(flag, number);
    }
  }

  /**
   * Reports numbers that are too large. Throws at once, before anything is computed from them.
   *
   * @throws io.tanuki4j.config.ConfigException if there are any, with all problems so far
   */
  public static void require(Iterable<OptionSpec> options, Problems problems) {
    boolean exceeded = false;
    for (OptionSpec option : options) {
      String flag = List.of(option.names()).get(0);
      Long largest = LARGEST.get(flag);
      if (largest != null && option.getValue() instanceof Number n && n.longValue() > largest) {
        problems.add(flag, n, "at most " + largest, "Write a smaller number.");
        exceeded = true;
      }
    }
    if (exceeded) {
      problems.throwIfAny();
    }
  }
}
