package io.tanuki4j.model;

import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Rotary;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.model.TestModels.Family;

/**
 * What the tests of a tiny model vary: three layers, hidden size 8, four heads of four, two query
 * groups, a vocabulary of 13.
 */
record TestConfig(
    boolean tied, double rotaryPercent, double zLoss, Recompute recompute, Family family) {
  static final int SEQ_LENGTH = 5;
  static final int VOCAB_SIZE = 13;
  static final TestConfig PLAIN = new TestConfig(false, 1, 0, Recompute.NONE);

  /** A Llama. */
  TestConfig(boolean tied, double rotaryPercent, double zLoss, Recompute recompute) {
    this(tied, rotaryPercent, zLoss, recompute, Family.LLAMA);
  }

  TestConfig with(Family other) {
    return new TestConfig(tied, rotaryPercent, zLoss, recompute, other);
  }

  TestConfig with(Recompute other) {
    return new TestConfig(tied, rotaryPercent, zLoss, other, family);
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
        new Sizes(numLayers, 8, 12, vocabSize, seqLength, seqLength),
        new Attention(numHeads, numQueryGroups, headDim),
        new Rotary(1e4, rotaryPercent, 1, null),
        family.layers(),
        family.embeddings(tied),
        new Training(0.4, zLoss, recompute));
  }
}
