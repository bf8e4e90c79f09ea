package io.tanuki4j.model;

import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.Norm;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.ParameterSpec.Sharing;
import io.tanuki4j.nn.ParameterSpec.Slice;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * One tensor-parallel rank's shard of each parameter (Shoeybi et al., 2019). Of the matrices into a
 * region it has whole heads, query groups, gate and up rows, with their biases; of the matrices out
 * of it, the matching columns. It also has vocabulary rows, and every norm and other bias.
 */
final class TensorShards {
  /** Unequal shares of the vocabulary are multiples of this, so that products stay aligned. */
  private static final int ALIGNED_ROWS = 8;

  private final ModelConfig config;
  private final Sizes sizes;
  private final int numRanks;
  private final int rank;

  /** How ranks share what is used outside of the region, in full. */
  private final Sharing outside;

  /**
   * @throws UserException if heads, query groups or f cannot be shared equally, or v has fewer rows
   *     than there are ranks
   */
  TensorShards(ModelConfig config, ParallelDims dims, int rank) {
    this.config = config;
    this.sizes = config.sizes();
    this.numRanks = dims.tp();
    this.outside = dims.sequenceParallel() ? Sharing.COPIED_PARTIAL_GRADIENT : Sharing.COPIED;
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

  /** Returns the table of positions, which every rank has in full. */
  ParameterSpec positions(String name) {
    Shape shape = Shape.of(sizes.maxPositionEmbeddings(), sizes.hiddenSize());
    double std = config.training().initStd();
    return ParameterSpec.whole(name, shape, std, true, outside);
  }

  /** Returns the parameters of a layer, in order. */
  List<ParameterSpec> layer(String prefix) {
    Biases biases = config.layers().biases();
    boolean all = biases == Biases.ALL;
    List<ParameterSpec> specs = new ArrayList<>(norm(prefix + ModelParameters.ATTENTION_NORM));
    specs.addAll(
        intoRegion(prefix + ModelParameters.QKV, queriesKeysValues(prefix), biases != Biases.NONE));
    if (config.layers().qkNorm()) {
      specs.addAll(headNorm(prefix + ModelParameters.Q_NORM));
      specs.addAll(headNorm(prefix + ModelParameters.K_NORM));
    }
    long queries = config.attention().queryWidth();
    specs.addAll(outOfRegion(prefix + ModelParameters.PROJ, queries, all));
    specs.addAll(norm(prefix + ModelParameters.MLP_NORM));
    specs.addAll(intoRegion(prefix + ModelParameters.GATE_UP, gateUp(prefix), all));
    specs.addAll(outOfRegion(prefix + ModelParameters.DOWN, sizes.ffnHiddenSize(), all));
    return specs;
  }

  private List<Slice> queriesKeysValues(String prefix) {
    String attention = prefix + "attention.";
    long keys = config.attention().keyWidth();
    return List.of(
        rows(attention + "q.weight", config.attention().queryWidth()),
        rows(attention + "k.weight", keys),
        rows(attention + "v.weight", keys));
  }

  private List<Slice> gateUp(String prefix) {
    Slice up = rows(prefix + "mlp.up.weight", sizes.ffnHiddenSize());
    return config.layers().activation().isGated()
        ? List.of(rows(prefix + "mlp.gate.weight", sizes.ffnHiddenSize()), up)
        : List.of(up);
  }

  /**
   * Returns a norm of hidden states, which every rank has in full. If the sequence is split, a rank
   * knows only its part of the gradient.
   */
  List<ParameterSpec> norm(String name) {
    return norm(name, sizes.hiddenSize(), outside);
  }

  /**
   * Returns a norm of heads. Each rank has some of the heads, so it knows a part of the gradient.
   */
  private List<ParameterSpec> headNorm(String name) {
    Sharing sharing = numRanks > 1 ? Sharing.COPIED_PARTIAL_GRADIENT : Sharing.COPIED;
    return norm(name, config.attention().headDim(), sharing);
  }

  private List<ParameterSpec> norm(String name, int width, Sharing sharing) {
    Shape shape = Shape.of(width);
    ParameterSpec weight = ParameterSpec.whole(name, shape, ParameterSpec.ONES, false, sharing);
    return config.layers().norm() == Norm.RMS_NORM
        ? List.of(weight)
        : List.of(weight, wholeBias(name, width, sharing));
  }

  private static ParameterSpec wholeBias(String weight, int width, Sharing sharing) {
    String name = ModelParameters.bias(weight);
    return ParameterSpec.whole(name, Shape.of(width), 0, false, sharing);
  }

  private Slice rows(String name, long globalRows) {
    long own = globalRows / numRanks;
    return new Slice(name, Shape.of(globalRows, sizes.hiddenSize()), own, rank * own, 0);
  }

  /** Returns this rank's rows of a weight, and of its bias if there is one. */
  private List<ParameterSpec> intoRegion(String name, List<Slice> slices, boolean withBias) {
    ParameterSpec weight = intoRegion(name, slices);
    return withBias ? List.of(weight, biasOf(weight)) : List.of(weight);
  }

  private ParameterSpec intoRegion(String name, List<Slice> slices) {
    long rows = slices.stream().mapToLong(Slice::rows).sum();
    Shape shape = Shape.of(rows, sizes.hiddenSize());
    return new ParameterSpec(
        name, shape, slices, config.training().initStd(), true, Sharing.SHARDED);
  }

  private static ParameterSpec biasOf(ParameterSpec weight) {
    List<Slice> slices = weight.slices().stream().map(TensorShards::biasOf).toList();
    Shape shape = Shape.of(weight.shape().dim(0));
    return new ParameterSpec(
        ModelParameters.bias(weight.name()), shape, slices, 0, false, Sharing.SHARDED);
  }

  private static Slice biasOf(Slice weight) {
    Shape shape = Shape.of(weight.globalShape().dim(0));
    String name = ModelParameters.bias(weight.name());
    return new Slice(name, shape, weight.rows(), weight.firstRow(), 0);
  }

  /** Returns this rank's columns of a weight, and the whole bias of the sum if there is one. */
  private List<ParameterSpec> outOfRegion(String name, long globalColumns, boolean withBias) {
    long hidden = sizes.hiddenSize();
    long own = globalColumns / numRanks;
    Slice slice = new Slice(name, Shape.of(hidden, globalColumns), hidden, 0, rank * own);
    // Keeps the residual stream's variance independent of depth (Radford et al., 2019).
    double std = config.training().initStd() / Math.sqrt(2.0 * sizes.numLayers());
    ParameterSpec weight =
        new ParameterSpec(name, Shape.of(hidden, own), List.of(slice), std, true, Sharing.SHARDED);
    return withBias
        ? List.of(weight, wholeBias(name, sizes.hiddenSize(), outside))
        : List.of(weight);
  }
}
