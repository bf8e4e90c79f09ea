package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.Norm;
import io.tanuki4j.model.ModelConfig.Positions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a tensor and pipeline parallel rank under Megatron's names: packed and cut, which
 * {@link ModelWeights} undoes.
 */
final class RankWeights {
  private static final List<String> LINEARS =
      List.of(
          "self_attention.linear_qkv",
          "self_attention.linear_proj",
          "mlp.linear_fc1",
          "mlp.linear_fc2");

  private final Map<String, Matrix> model;
  private final PackedShape shape;
  private final MegatronWriter.Target target;
  private final int rank;
  private final Map<String, @Nullable Matrix> weights = new LinkedHashMap<>();

  private RankWeights(
      Map<String, Matrix> model, PackedShape shape, MegatronWriter.Target target, int rank) {
    this.model = model;
    this.shape = shape;
    this.target = target;
    this.rank = rank;
  }

  /**
   * Returns a rank's weights; null stands for the FP8 state, which does not exist here.
   *
   * @param tensors whole, under this program's names
   * @param stage of the pipeline
   * @param rank among the tensor parallel ones
   */
  static Map<String, @Nullable Matrix> of(
      List<ShardedTensor> tensors,
      PackedShape shape,
      MegatronWriter.Target target,
      int stage,
      int rank) {
    Map<String, Matrix> model = new LinkedHashMap<>();
    tensors.forEach(tensor -> model.put(tensor.name(), new SourceMatrix(tensor)));
    RankWeights packed = new RankWeights(model, shape, target, rank);
    packed.pack(stage);
    return packed.weights;
  }

  private void pack(int stage) {
    int perStage = shape.numLayers() / target.pipelineStages();
    boolean last = stage == target.pipelineStages() - 1;
    if (stage == 0) {
      weights.put(ModelWeights.EMBEDDING, share(whole("embedding.weight")));
    }
    if (stage == 0 && shape.embeddings().positions() == Positions.LEARNED_ABSOLUTE) {
      weights.put(ModelWeights.POSITIONS, whole("position_embedding.weight"));
    }
    for (int local = 0; local < perStage; local++) {
      packLayer(
          "layers.%d.".formatted(stage * perStage + local), "decoder.layers.%d.".formatted(local));
    }
    if (last) {
      packNorm("final_norm", "decoder.final_layernorm.");
    }
    if (last && !shape.embeddings().tied()) {
      weights.put(ModelWeights.OUTPUT, share(whole("output.weight")));
    } else if (last && stage > 0) {
      weights.put(ModelWeights.OUTPUT, share(whole("embedding.weight")));
    }
  }

  private void packLayer(String ours, String theirs) {
    String attention = theirs + "self_attention.";
    String mlp = theirs + "mlp.";
    boolean fused = target.transformerEngine();
    boolean all = shape.layers().biases() == Biases.ALL;
    packNorm(
        ours + "attention.norm",
        fused ? attention + "linear_qkv.layer_norm_" : theirs + "input_layernorm.");
    weights.put(attention + "linear_qkv.weight", queriesKeysValues(ours, "weight"));
    if (shape.layers().biases() != Biases.NONE) {
      weights.put(attention + "linear_qkv.bias", queriesKeysValues(ours, "bias"));
    }
    if (shape.layers().qkNorm()) {
      packHeadNorm(ours + "attention.q_norm", attention + "q_layernorm.");
      packHeadNorm(ours + "attention.k_norm", attention + "k_layernorm.");
    }
    packOut(ours + "attention.proj.", attention + "linear_proj.", all);
    packNorm(
        ours + "mlp.norm", fused ? mlp + "linear_fc1.layer_norm_" : theirs + "pre_mlp_layernorm.");
    weights.put(mlp + "linear_fc1.weight", gateUp(ours, "weight"));
    if (all) {
      weights.put(mlp + "linear_fc1.bias", gateUp(ours, "bias"));
    }
    packOut(ours + "mlp.down.", mlp + "linear_fc2.", all);
    LINEARS.forEach(linear -> weights.put(theirs + linear + "._extra_state", null));
  }

  private void packNorm(String ours, String theirs) {
    packNorm(ours, UnaryOperator.identity(), theirs);
  }

  private void packHeadNorm(String ours, String theirs) {
    packNorm(ours, shape::paired, theirs);
  }

  private void packNorm(String ours, UnaryOperator<Matrix> order, String theirs) {
    Matrix weight = order.apply(whole(ours + ".weight"));
    weights.put(theirs + "weight", shape.normsLessOne() ? new Shifted(weight, -1) : weight);
    if (shape.layers().norm() == Norm.LAYER_NORM) {
      weights.put(theirs + "bias", order.apply(whole(ours + ".bias")));
    }
  }

  private void packOut(String ours, String theirs, boolean withBias) {
    weights.put(theirs + "weight", columns(whole(ours + "weight")));
    if (withBias) {
      weights.put(theirs + "bias", whole(ours + "bias"));
    }
  }

  private Matrix gateUp(String ours, String kind) {
    Matrix up = share(whole(ours + "mlp.up." + kind));
    return shape.layers().activation().isGated()
        ? Matrix.below(List.of(share(whole(ours + "mlp.gate." + kind)), up))
        : up;
  }

  private Matrix whole(String name) {
    Matrix matrix = model.get(name);
    if (matrix == null) {
      throw new IllegalArgumentException("the model lacks " + name + ".");
    }
    return matrix;
  }

  /** Returns the rows of this rank. */
  private Matrix share(Matrix matrix) {
    long rows = matrix.rows() / target.tensorRanks();
    return matrix.rows(rank * rows, (rank + 1) * rows);
  }

  /** Returns the columns of this rank. */
  private Matrix columns(Matrix matrix) {
    long columns = matrix.columns() / target.tensorRanks();
    return ((SourceMatrix) matrix).columns(rank * columns, (rank + 1) * columns);
  }

  private Matrix queriesKeysValues(String ours, String kind) {
    Matrix queries = shape.paired(share(whole(ours + "attention.q." + kind)));
    Matrix keys = shape.paired(share(whole(ours + "attention.k." + kind)));
    Matrix values = share(whole(ours + "attention.v." + kind));
    long perGroup = shape.queryRows();
    long headDim = shape.headDim();
    List<Matrix> groups = new ArrayList<>();
    for (long group = 0; group < shape.numQueryGroups() / target.tensorRanks(); group++) {
      groups.add(queries.rows(group * perGroup, (group + 1) * perGroup));
      groups.add(keys.rows(group * headDim, (group + 1) * headDim));
      groups.add(values.rows(group * headDim, (group + 1) * headDim));
    }
    return Matrix.below(groups);
  }
}
