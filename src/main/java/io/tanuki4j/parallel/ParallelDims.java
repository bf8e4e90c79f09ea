package io.tanuki4j.parallel;

/**
 * The number of parts into which the work is split along each axis.
 *
 * @param vpp chunks of layers that each pipeline stage owns ({@code V}); 1 without interleaving
 * @param sequenceParallel activations between the tensor-parallel regions are split along the
 *     sequence over tp ({@code --sequence-parallel})
 */
public record ParallelDims(int tp, int cp, int dp, int pp, int vpp, boolean sequenceParallel) {
  /** A run of one rank. */
  public static final ParallelDims SINGLE = new ParallelDims(1, 1, 1, 1, 1, false);

  /**
   * @throws IllegalArgumentException if a degree is below 1
   */
  public ParallelDims {
    for (int degree : new int[] {tp, cp, dp, pp, vpp}) {
      if (degree < 1) {
        throw new IllegalArgumentException(
            "degrees tp %d, cp %d, dp %d, pp %d, vpp %d (expected: each 1 or more)"
                .formatted(tp, cp, dp, pp, vpp));
      }
    }
  }

  /** Returns the dims without interleaving and sequence parallelism. */
  public static ParallelDims of(int tp, int cp, int dp, int pp) {
    return new ParallelDims(tp, cp, dp, pp, 1, false);
  }

  public int degree(Axis axis) {
    return switch (axis) {
      case TP -> tp;
      case CP -> cp;
      case DP -> dp;
      case PP -> pp;
    };
  }

  public int worldSize() {
    return Math.multiplyExact(Math.multiplyExact(tp, cp), Math.multiplyExact(dp, pp));
  }

  /**
   * Returns the number of ranks over which the hidden states outside the tensor-parallel regions
   * are split along s.
   */
  public int sequenceShards() {
    return cp * (sequenceParallel ? tp : 1);
  }
}
