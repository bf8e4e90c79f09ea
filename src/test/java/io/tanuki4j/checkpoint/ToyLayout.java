package io.tanuki4j.checkpoint;

import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSlice;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.ParameterSpec.Sharing;
import io.tanuki4j.nn.ParameterSpec.Slice;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A model of four layers, spread over ranks in Megatron's order: packed rows and columns by tp,
 * norms as copies, layers by pp, the optimizer's moment in flat shards by dp.
 */
record ToyLayout(int tp, int dp, int pp) {
  static final int VOCABULARY = 9;

  private static final int LAYERS = 4;
  private static final int HIDDEN = 5;
  private static final int WIDTH = 8;

  int worldSize() {
    return tp * dp * pp;
  }

  /** Rows of the embedding: a multiple of 4 for each tp rank. */
  int paddedVocabulary() {
    return (VOCABULARY + 4 * tp - 1) / (4 * tp) * 4 * tp;
  }

  /** The memory of one rank. */
  Rank rank(HostDevice device, int rank) {
    ParameterBuffers parameters =
        ParameterBuffers.allocate(
            specs(rank % tp, rank / tp / dp), device.openScope("model"), DType.F32, DType.F32);
    Tensor moment = device.zeros(parameters.values().shape(), DType.F32);
    return new Rank(parameters, moment, rank / tp % dp, dp);
  }

  private List<ParameterSpec> specs(int tpRank, int stage) {
    List<ParameterSpec> specs = new ArrayList<>();
    if (stage == 0) {
      specs.add(
          parameter("embedding.weight", byRows("embedding.weight", paddedVocabulary(), tpRank)));
    }
    for (int i = stage * LAYERS / pp; i < (stage + 1) * LAYERS / pp; i++) {
      String prefix = "layers." + i + ".";
      specs.add(ParameterSpec.whole(prefix + "norm", Shape.of(HIDDEN), ParameterSpec.ONES, false));
      specs.add(
          parameter(
              prefix + "gate_up",
              byRows(prefix + "gate", WIDTH, tpRank),
              byRows(prefix + "up", WIDTH, tpRank)));
      int columns = WIDTH / tp;
      Slice down =
          new Slice(prefix + "down", Shape.of(HIDDEN, WIDTH), HIDDEN, 0, (long) tpRank * columns);
      Shape shape = Shape.of(HIDDEN, columns);
      specs.add(new ParameterSpec(prefix + "down", shape, List.of(down), 1, true, Sharing.SHARDED));
    }
    return specs;
  }

  private Slice byRows(String name, int rows, int tpRank) {
    return new Slice(name, Shape.of(rows, HIDDEN), rows / tp, (long) tpRank * (rows / tp), 0);
  }

  private static ParameterSpec parameter(String name, Slice... slices) {
    long rows = List.of(slices).stream().mapToLong(Slice::rows).sum();
    return new ParameterSpec(
        name, Shape.of(rows, HIDDEN), List.of(slices), 1, true, Sharing.SHARDED);
  }

  /**
   * @param moment of the layout of the parameters, of which a shard is in use
   */
  record Rank(ParameterBuffers parameters, Tensor moment, int dpRank, int dp) {
    List<ShardedTensor> model() {
      return ShardedTensor.ofValues(parameters);
    }

    /** The part of each parameter's moment that lies in this rank's shard of the buffer. */
    List<ShardedTensor> optimizer() {
      long all = moment.numElements();
      long from = all * dpRank / dp;
      long to = all * (dpRank + 1) / dp;
      List<ShardedTensor> tensors = new ArrayList<>();
      for (ParameterSlice part : parameters.partsIn(new FlatRange(from, to))) {
        Tensor range = part.range().of(moment);
        tensors.addAll(ShardedTensor.of(part.parameter(), "exp_avg.", part.first(), range));
      }
      return tensors;
    }
  }

  /** A number of its own for each element of each tensor. */
  static float value(ShardedTensor tensor, int element) {
    long columns = tensor.region().columns();
    long globalColumns = tensor.globalShape().rank() == 1 ? 1 : tensor.globalShape().dim(1);
    long row = tensor.region().firstRow() + element / columns;
    long column = tensor.region().firstColumn() + element % columns;
    return tensor.name().hashCode() % 1000 * 1000 + row * globalColumns + column;
  }
}
