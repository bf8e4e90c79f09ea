package io.tanuki4j.convert.megatron;

/**
 * The sizes needed to split packed weights.
 *
 * @param tied whether the output layer is the embedding
 */
public record ModelShape(
    int numLayers, int numHeads, int numQueryGroups, int headDim, boolean tied) {
  /** Returns the number of rows of queries, keys and values that belong to one query group. */
  long groupRows() {
    return (long) (numHeads / numQueryGroups + 2) * headDim;
  }

  long queryRows() {
    return (long) (numHeads / numQueryGroups) * headDim;
  }
}
