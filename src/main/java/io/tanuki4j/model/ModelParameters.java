package io.tanuki4j.model;

import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig.Positions;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.fp8.Fp8Config;
import io.tanuki4j.parallel.Axis;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Names and shapes of all parameters of a model. Queries, keys and values are one matrix in memory,
 * as are gate and up; checkpoints know their parts by the names of the slices.
 */
public final class ModelParameters {
  /** {@code [v, h]}. */
  public static final String EMBEDDING = "embedding.weight";

  /** {@code [m, h]}: a row for each position, up to the longest sequence; only if learned. */
  public static final String POSITIONS = "position_embedding.weight";

  /** {@code [h]}. */
  public static final String FINAL_NORM = "final_norm.weight";

  /** {@code [v, h]}; absent if the embedding's weights are used. */
  public static final String OUTPUT = "output.weight";

  /** Follows a layer's prefix: {@code [h]}. */
  public static final String ATTENTION_NORM = "attention.norm.weight";

  /** {@code [(n + 2g)·d, h]}: rows of query heads, key heads, value heads. */
  public static final String QKV = "attention.qkv.weight";

  /** {@code [d]}; only if queries are normalised. */
  public static final String Q_NORM = "attention.q_norm.weight";

  /** {@code [d]}; only if keys are normalised. */
  public static final String K_NORM = "attention.k_norm.weight";

  /** {@code [h, n·d]}. */
  public static final String PROJ = "attention.proj.weight";

  /** {@code [h]}. */
  public static final String MLP_NORM = "mlp.norm.weight";

  /** {@code [2f, h]}: rows of the gate, then of up; {@code [f, h]} without a gate. */
  public static final String GATE_UP = "mlp.gate_up.weight";

  /** {@code [h, f]}. */
  public static final String DOWN = "mlp.down.weight";

  /** The weights of a layer that are matrices. */
  public static final List<String> PROJECTIONS = List.of(QKV, PROJ, GATE_UP, DOWN);

  private ModelParameters() {}

  /**
   * Returns the names of the weights that multiply in FP8.
   *
   * @param fp8 null if none does
   */
  public static Set<String> narrow(
      List<ParameterSpec> specs, @Nullable Fp8Config fp8, ModelConfig config) {
    if (fp8 == null) {
      return Set.of();
    }
    return specs.stream()
        .map(ParameterSpec::name)
        .filter(ModelParameters::isProjection)
        .filter(name -> fp8.covers(layerOf(name), config.sizes().numLayers()))
        .collect(Collectors.toSet());
  }

  /**
   * Returns whether a parameter is the weight of a linear layer between the embedding and the
   * output.
   */
  private static boolean isProjection(String name) {
    return PROJECTIONS.stream().anyMatch(name::endsWith);
  }

  /** Returns the name of the bias that belongs to a weight. */
  public static String bias(String weight) {
    return weight.substring(0, weight.lastIndexOf('.')) + ".bias";
  }

  /** Returns which layer of the whole model a layer's parameter belongs to. */
  static int layerOf(String name) {
    return Integer.parseInt(name.split("\\.", -1)[1]);
  }

  /** Returns the prefix of a layer's names: {@code layers.17.}, counted over the whole model. */
  public static String layer(int index) {
    return "layers." + index + ".";
  }

  /** Returns every parameter of the whole model, from the embedding to the output. */
  public static List<ParameterSpec> specs(ModelConfig config) {
    StageLayers oneStage = StageLayers.even(config.sizes().numLayers(), 1, 1);
    return specs(config, oneStage, new RankGrid(ParallelDims.SINGLE), 0);
  }

  /**
   * Returns the parameters of one rank: its tensor-parallel shards of the layers of its stage. Tied
   * embeddings are on the first stage and on the last.
   *
   * @throws UserException if the layers' parts cannot be shared equally over tp
   */
  public static List<ParameterSpec> specs(
      ModelConfig config, StageLayers layers, RankGrid grid, int globalRank) {
    int stage = grid.coordinate(globalRank, Axis.PP);
    boolean last = grid.isLastStage(globalRank);
    TensorShards shards =
        new TensorShards(config, grid.dims(), grid.coordinate(globalRank, Axis.TP));
    List<ParameterSpec> specs = new ArrayList<>();
    if (stage == 0 || (last && config.embeddings().tied())) {
      specs.add(shards.vocabulary(EMBEDDING));
    }
    if (stage == 0 && config.embeddings().positions() == Positions.LEARNED_ABSOLUTE) {
      specs.add(shards.positions(POSITIONS));
    }
    for (int chunk = 0; chunk < layers.chunksPerStage(); chunk++) {
      int first = layers.firstLayer(stage, chunk);
      for (int i = 0; i < layers.count(stage, chunk); i++) {
        specs.addAll(shards.layer(layer(first + i)));
      }
    }
    if (last) {
      specs.addAll(shards.norm(FINAL_NORM));
    }
    if (last && !config.embeddings().tied()) {
      specs.add(shards.vocabulary(OUTPUT));
    }
    return specs;
  }

  /** Returns the shapes of a model's tensors by the names that checkpoints know them by. */
  public static Map<String, Shape> globalShapes(ModelConfig config) {
    return specs(config).stream()
        .flatMap(spec -> spec.slices().stream())
        .collect(Collectors.toMap(ParameterSpec.Slice::name, ParameterSpec.Slice::globalShape));
  }

  /** Returns how many numbers a model has. */
  public static long count(ModelConfig config) {
    return specs(config).stream().mapToLong(spec -> spec.shape().numElements()).sum();
  }
}
