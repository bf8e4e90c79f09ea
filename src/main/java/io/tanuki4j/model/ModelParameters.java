package io.tanuki4j.model;

import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.ParameterSpec.Slice;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * Names and shapes of all parameters of a Llama. Queries, keys and values are one matrix in memory,
 * as are gate and up; checkpoints know their parts by the names of the slices.
 */
public final class ModelParameters {
  /** {@code [v, h]}. */
  public static final String EMBEDDING = "embedding.weight";

  /** {@code [h]}. */
  public static final String FINAL_NORM = "final_norm.weight";

  /** {@code [v, h]}; absent if the embedding's weights are used. */
  public static final String OUTPUT = "output.weight";

  /** Follows a layer's prefix: {@code [h]}. */
  public static final String ATTENTION_NORM = "attention.norm.weight";

  /** {@code [(n + 2g)·d, h]}: rows of query heads, key heads, value heads. */
  public static final String QKV = "attention.qkv.weight";

  /** {@code [h, n·d]}. */
  public static final String PROJ = "attention.proj.weight";

  /** {@code [h]}. */
  public static final String MLP_NORM = "mlp.norm.weight";

  /** {@code [2f, h]}: rows of the gate, then of up. */
  public static final String GATE_UP = "mlp.gate_up.weight";

  /** {@code [h, f]}. */
  public static final String DOWN = "mlp.down.weight";

  private ModelParameters() {}

  /** What a layer's names begin with: {@code layers.17.}, counted over the whole model. */
  public static String layer(int index) {
    return "layers." + index + ".";
  }

  /** Every parameter, from the embedding to the output. */
  public static List<ParameterSpec> specs(ModelConfig config) {
    return specs(config, StageLayers.even(config.numLayers(), 1, 1), 0);
  }

  /** Those of a pipeline stage. Tied embeddings are on the first stage and on the last. */
  public static List<ParameterSpec> specs(ModelConfig config, StageLayers layers, int stage) {
    List<ParameterSpec> specs = new ArrayList<>();
    Shape vocabulary = Shape.of(config.vocabSize(), config.hiddenSize());
    boolean last = stage == layers.numStages() - 1;
    if (stage == 0 || (last && config.tiedEmbeddings())) {
      specs.add(ParameterSpec.whole(EMBEDDING, vocabulary, config.initStd(), true));
    }
    for (int chunk = 0; chunk < layers.chunksPerStage(); chunk++) {
      int first = layers.firstLayer(stage, chunk);
      for (int i = 0; i < layers.count(stage, chunk); i++) {
        addLayer(specs, layer(first + i), config);
      }
    }
    if (last) {
      specs.add(norm(FINAL_NORM, config));
    }
    if (last && !config.tiedEmbeddings()) {
      specs.add(ParameterSpec.whole(OUTPUT, vocabulary, config.initStd(), true));
    }
    return specs;
  }

  /** How many numbers a model has. */
  public static long count(ModelConfig config) {
    return specs(config).stream().mapToLong(spec -> spec.shape().numElements()).sum();
  }

  private static void addLayer(List<ParameterSpec> specs, String prefix, ModelConfig config) {
    long hidden = config.hiddenSize();
    long ffn = config.ffnHiddenSize();
    long queries = (long) config.numHeads() * config.headDim();
    long keys = (long) config.numQueryGroups() * config.headDim();
    // Keeps the residual stream's variance independent of depth (Radford et al., 2019).
    double outStd = config.initStd() / Math.sqrt(2.0 * config.numLayers());

    specs.add(norm(prefix + ATTENTION_NORM, config));
    String attention = prefix + "attention.";
    Slice q = slice(attention + "q.weight", queries, hidden);
    Slice k = slice(attention + "k.weight", keys, hidden);
    Slice v = slice(attention + "v.weight", keys, hidden);
    specs.add(packed(prefix + QKV, List.of(q, k, v), config));
    specs.add(ParameterSpec.whole(prefix + PROJ, Shape.of(hidden, queries), outStd, true));

    specs.add(norm(prefix + MLP_NORM, config));
    Slice gate = slice(prefix + "mlp.gate.weight", ffn, hidden);
    Slice up = slice(prefix + "mlp.up.weight", ffn, hidden);
    specs.add(packed(prefix + GATE_UP, List.of(gate, up), config));
    specs.add(ParameterSpec.whole(prefix + DOWN, Shape.of(hidden, ffn), outStd, true));
  }

  private static ParameterSpec norm(String name, ModelConfig config) {
    return ParameterSpec.whole(name, Shape.of(config.hiddenSize()), ParameterSpec.ONES, false);
  }

  private static Slice slice(String name, long rows, long columns) {
    return new Slice(name, Shape.of(rows, columns), rows, 0, 0);
  }

  private static ParameterSpec packed(String name, List<Slice> slices, ModelConfig config) {
    long rows = slices.stream().mapToLong(Slice::rows).sum();
    Shape shape = Shape.of(rows, config.hiddenSize());
    return new ParameterSpec(name, shape, slices, config.initStd(), true);
  }
}
