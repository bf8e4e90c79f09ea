package io.tanuki4j.convert.megatron;

import io.tanuki4j.model.ModelConfig;

/**
 * The sizes by which Megatron packs a model's weights.
 *
 * @param tied whether the output layer is the embedding
 */
record PackedShape(int numLayers, int numHeads, int numQueryGroups, int headDim, boolean tied) {
  static PackedShape of(ModelConfig model) {
    return new PackedShape(
        model.sizes().numLayers(),
        model.attention().numHeads(),
        model.attention().numQueryGroups(),
        model.attention().headDim(),
        model.layers().tiedEmbeddings());
  }

  /** Returns the number of rows of queries, keys and values that belong to one query group. */
  long groupRows() {
    return (long) (numHeads / numQueryGroups + 2) * headDim;
  }

  long queryRows() {
    return (long) (numHeads / numQueryGroups) * headDim;
  }
}
