package io.tanuki4j.model;

import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.ParameterSpec.Sharing;
import io.tanuki4j.nn.ParameterSpec.Slice;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.tensor.Shape;
import java.util.List;

/**
 * One tensor-parallel rank's shard of each parameter (Shoeybi et al., 2019). Of the matrices into a
 * region it has whole heads, query groups, gate and up rows; of the matrices out of it, the
 * matching columns. It also has vocabulary rows, and every norm.
 */
final class TensorShards {
  /** Unequal shares of the vocabulary are multiples of this, so that products stay aligned. */
  private static final int ALIGNED_ROWS = 8;

  private final ModelConfig config;
  private final Sizes sizes;
  private final int numRanks;
  private final int rank;
  private final Sharing ofNorms;

  /**
   * @throws UserException if heads, query groups or f cannot be shared equally, or v has fewer rows
   *     than there are ranks
   */
  TensorShards(ModelConfig config, ParallelDims dims, int rank) {
    this.config = config;
    this.sizes = config.sizes();
    this.numRanks = dims.tp();
    this.ofNorms = dims.sequenceParallel() ? Sharing.COPIED_PARTIAL_GRADIENT : Sharing.COPIED;
    this.rank = rank;
    requireEqualShares("heads", config.attention().numHeads());
    requireEqualShares("query groups", config.attention().numQueryGroups());
    requireEqualShares("feed-forward size", sizes.ffnHiddenSize());
    if (sizes.vocabSize() < numRanks) {
      throw new UserException(
          "vocabulary size: %d (expected: one row or more for each of %d tensor-parallel ranks)."
                  .formatted(sizes.vocabSize(), numRanks)
              + " Choose a smaller --tensor-model-parallel-size.");
    }
  }

  private void requireEqualShares(String what, int count) {
    if (count % numRanks != 0) {
      throw new UserException(
          "%s: %d (expected: a multiple of the %d tensor-parallel ranks)."
                  .formatted(what, count, numRanks)
              + " Choose another --tensor-model-parallel-size.");
    }
  }

  /**
   * Returns the embedding or the output. Ranks share the rows equally where that is possible, as in
   * Megatron-LM. Otherwise some have a few more than others. So a checkpoint's vocabulary needs no
   * padding for another number of ranks, and its loss stays the same.
   */
  ParameterSpec vocabulary(String name) {
    long first = firstId(rank);
    Shape whole = Shape.of(sizes.vocabSize(), sizes.hiddenSize());
    return intoRegion(name, List.of(new Slice(name, whole, firstId(rank + 1) - first, first, 0)));
  }

  /** Returns the first id of a rank's rows of the vocabulary. */
  private long firstId(int ofRank) {
    long size = sizes.vocabSize();
    boolean equal = size % numRanks == 0;
    boolean few = size / numRanks < (long) ALIGNED_ROWS * numRanks;
    int unit = equal || few ? 1 : ALIGNED_ROWS;
    long units = (size + unit - 1) / unit;
    return Math.min(size, units * ofRank / numRanks * unit);
  }

  /** Returns the parameters of a layer, in order. */
  List<ParameterSpec> layer(String prefix) {
    String attention = prefix + "attention.";
    String mlp = prefix + "mlp.";
    long queries = config.attention().queryWidth();
    long keys = config.attention().keyWidth();
    Slice q = rows(attention + "q.weight", queries);
    Slice k = rows(attention + "k.weight", keys);
    Slice v = rows(attention + "v.weight", keys);
    Slice gate = rows(mlp + "gate.weight", sizes.ffnHiddenSize());
    Slice up = rows(mlp + "up.weight", sizes.ffnHiddenSize());
    return List.of(
        norm(prefix + ModelParameters.ATTENTION_NORM),
        intoRegion(prefix + ModelParameters.QKV, List.of(q, k, v)),
        outOfRegion(prefix + ModelParameters.PROJ, queries),
        norm(prefix + ModelParameters.MLP_NORM),
        intoRegion(prefix + ModelParameters.GATE_UP, List.of(gate, up)),
        outOfRegion(prefix + ModelParameters.DOWN, sizes.ffnHiddenSize()));
  }

  /**
   * Returns a norm, which every rank has in full. If the sequence is split, a rank knows only its
   * part of the gradient.
   */
  ParameterSpec norm(String name) {
    Shape shape = Shape.of(sizes.hiddenSize());
    return ParameterSpec.whole(name, shape, ParameterSpec.ONES, false, ofNorms);
  }

  private Slice rows(String name, long globalRows) {
    long own = globalRows / numRanks;
    return new Slice(name, Shape.of(globalRows, sizes.hiddenSize()), own, rank * own, 0);
  }

  private ParameterSpec intoRegion(String name, List<Slice> slices) {
    long rows = slices.stream().mapToLong(Slice::rows).sum();
    Shape shape = Shape.of(rows, sizes.hiddenSize());
    return new ParameterSpec(
        name, shape, slices, config.training().initStd(), true, Sharing.SHARDED);
  }

  private ParameterSpec outOfRegion(String name, long globalColumns) {
    long hidden = sizes.hiddenSize();
    long own = globalColumns / numRanks;
    Slice slice = new Slice(name, Shape.of(hidden, globalColumns), hidden, 0, rank * own);
    // Keeps the residual stream's variance independent of depth (Radford et al., 2019).
    double std = config.training().initStd() / Math.sqrt(2.0 * sizes.numLayers());
    return new ParameterSpec(
        name, Shape.of(hidden, own), List.of(slice), std, true, Sharing.SHARDED);
  }
}
