package io.tanuki4j.megatron;

import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Embeddings;
import io.tanuki4j.model.ModelConfig.Layers;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The sizes by which Megatron packs a model's weights.
 *
 * @param layers what they are made of
 * @param normsLessOne whether the weights of norms are stored less 1 ({@code --apply-layernorm-1p})
 */
record PackedShape(
    int numLayers,
    int numHeads,
    int numQueryGroups,
    int headDim,
    Layers layers,
    Embeddings embeddings,
    boolean normsLessOne) {
  static PackedShape of(ModelConfig model, Map<String, ? extends @Nullable Object> arguments) {
    return new PackedShape(
        model.sizes().numLayers(),
        model.attention().numHeads(),
        model.attention().numQueryGroups(),
        model.attention().headDim(),
        model.layers(),
        model.embeddings(),
        Boolean.TRUE.equals(arguments.get("apply_layernorm_1p")));
  }

  /** Returns the same sizes for what is stored of norms as it is: moments. */
  PackedShape ofStates() {
    return new PackedShape(numLayers, numHeads, numQueryGroups, headDim, layers, embeddings, false);
  }

  /** Returns the number of rows of queries, keys and values that belong to one query group. */
  long groupRows() {
    return (long) (numHeads / numQueryGroups + 2) * headDim;
  }

  long queryRows() {
    return (long) (numHeads / numQueryGroups) * headDim;
  }
}
