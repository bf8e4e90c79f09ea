package io.tanuki4j.run;

import java.util.ArrayList;
import java.util.List;

/**
 * A layout of threads, as flags.
 *
 * @param vpp chunks of each stage
 */
record TinyLayout(int tp, int cp, int dp, int pp, int vpp, boolean sequenceParallel, Data data) {
  /** What replicas share. */
  enum Data {
    PLAIN(""),
    SHARDED("--use-distributed-optimizer"),
    OVERLAPPED(
        "--use-distributed-optimizer --overlap-grad-reduce --overlap-param-gather"
            + " --ddp-bucket-size 9000");

    private final String flags;

    Data(String flags) {
      this.flags = flags;
    }
  }

  /** About two of three layouts that can multiply shard by shard do. */
  private boolean overlapsProducts() {
    return sequenceParallel && data != Data.SHARDED;
  }

  static TinyLayout of(int tp, int cp, int dp, int pp) {
    return new TinyLayout(tp, cp, dp, pp, 1, false, Data.PLAIN);
  }

  /** Returns every layout of this number of ranks. */
  static List<TinyLayout> all(int worldSize) {
    List<TinyLayout> layouts = new ArrayList<>();
    for (int tp = 1; tp <= worldSize; tp *= 2) {
      for (int cp = 1; tp * cp <= worldSize; cp *= 2) {
        for (int dp = 1; tp * cp * dp <= worldSize; dp *= 2) {
          layouts.addAll(of(tp, cp, dp, worldSize / (tp * cp * dp)).variants());
        }
      }
    }
    return layouts;
  }

  private List<TinyLayout> variants() {
    List<TinyLayout> variants = new ArrayList<>();
    for (int chunks : pp == 1 ? List.of(1) : List.of(1, 2)) {
      for (boolean split : tp == 1 ? List.of(false) : List.of(false, true)) {
        for (Data sharing : cp * dp == 1 ? List.of(Data.PLAIN) : List.of(Data.values())) {
          variants.add(new TinyLayout(tp, cp, dp, pp, chunks, split, sharing));
        }
      }
    }
    return variants;
  }

  /**
   * Whether a model can be spread so.
   *
   * @param most ranks that can share a layer, and a global batch
   */
  boolean fits(int numLayers, int mostTp, int globalBatchSize) {
    int microbatches = globalBatchSize / dp;
    return tp <= mostTp
        && numLayers % (pp * vpp) == 0
        && microbatches > 0
        && (vpp == 1 || microbatches % pp == 0);
  }

  int worldSize() {
    return tp * cp * dp * pp;
  }

  /**
   * Words for pretrain, with keys and values in a ring or (where the optimizer is sharded)
   * gathered, and without what says how ranks find each other.
   */
  String flags() {
    return "--tensor-model-parallel-size %d --context-parallel-size %d".formatted(tp, cp)
        + " --pipeline-model-parallel-size "
        + pp
        + (vpp == 1 ? "" : " --num-virtual-stages-per-pipeline-rank " + vpp)
        + (sequenceParallel ? " --sequence-parallel " : " ")
        + (overlapsProducts() ? "--tp-comm-overlap " : "")
        + (cp > 1 && data == Data.SHARDED ? "--cp-comm-type all_gather " : "")
        + data.flags;
  }

  /** Words for pretrain as threads. */
  String localFlags() {
    return "--distributed-backend local --local-ranks %d %s".formatted(worldSize(), flags());
  }
}
