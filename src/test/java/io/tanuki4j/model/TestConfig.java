package io.tanuki4j.model;

import io.tanuki4j.model.ModelConfig.Recompute;

/**
 * What the tests of a tiny model vary: three layers, hidden size 8, four heads of four, two query
 * groups, a vocabulary of 13.
 */
record TestConfig(boolean tied, double rotaryPercent, double zLoss, Recompute recompute) {
  static final int SEQ_LENGTH = 5;
  static final int VOCAB_SIZE = 13;
  static final TestConfig PLAIN = new TestConfig(false, 1, 0, Recompute.NONE);

  TestConfig with(Recompute other) {
    return new TestConfig(tied, rotaryPercent, zLoss, other);
  }

  ModelConfig config() {
    return config(3);
  }

  ModelConfig config(int numLayers) {
    return config(numLayers, 4, 2, 4, VOCAB_SIZE, SEQ_LENGTH);
  }

  /**
   * A model whose parts can be shared by four ranks: eight heads of two, four query groups, a
   * vocabulary of 12, a sequence of 8.
   */
  ModelConfig divisible(int numLayers) {
    return config(numLayers, 8, 4, 2, 12, 8);
  }

  private ModelConfig config(
      int numLayers, int numHeads, int numQueryGroups, int headDim, int vocabSize, int seqLength) {
    return new ModelConfig(
        numLayers,
        8,
        12,
        numHeads,
        numQueryGroups,
        headDim,
        vocabSize,
        seqLength,
        seqLength,
        1e4,
        rotaryPercent,
        1,
        null,
        1e-5,
        tied,
        0.4,
        zLoss,
        recompute);
  }
}
