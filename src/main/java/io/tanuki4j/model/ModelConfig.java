package io.tanuki4j.model;

import io.tanuki4j.error.UserException;
import io.tanuki4j.nn.RopeScaling;
import io.tanuki4j.nn.Samples;
import org.jspecify.annotations.Nullable;

/** The shape of a Llama and its initialisation. */
public record ModelConfig(
    Sizes sizes, Attention attention, Rotary rotary, Layers layers, Training training) {

  /** Returns the same model with a vocabulary of another size. */
  public ModelConfig withVocabSize(int size) {
    return new ModelConfig(sizes.withVocabSize(size), attention, rotary, layers, training);
  }

  /** Returns the same model with another choice of recomputation. */
  public ModelConfig withRecompute(Recompute other) {
    return new ModelConfig(sizes, attention, rotary, layers, training.withRecompute(other));
  }

  /** Returns the same model, trained with other knowledge of samples. */
  public ModelConfig withSamples(Samples.Kinds samples) {
    return new ModelConfig(sizes, attention, rotary, layers, training.withSamples(samples));
  }

  /**
   * How large the model and its samples are.
   *
   * @param hiddenSize h: width of the residual stream
   * @param ffnHiddenSize f: width of the gate and of the up projection
   * @param vocabSize v, padded
   * @param seqLength s: length of the samples, and of the rotary table
   */
  public record Sizes(
      int numLayers,
      int hiddenSize,
      int ffnHiddenSize,
      int vocabSize,
      int seqLength,
      int maxPositionEmbeddings) {
    Sizes withVocabSize(int size) {
      return new Sizes(
          numLayers, hiddenSize, ffnHiddenSize, size, seqLength, maxPositionEmbeddings);
    }
  }

  /**
   * The heads of attention.
   *
   * @param numHeads n
   * @param numQueryGroups g; equal to numHeads without grouped-query attention
   * @param headDim d ({@code --kv-channels})
   */
  public record Attention(int numHeads, int numQueryGroups, int headDim) {
    /** Returns the elements of a token's queries. */
    public long queryWidth() {
      return (long) numHeads * headDim;
    }

    /** Returns the elements of a token's keys, and of its values. */
    public long keyWidth() {
      return (long) numQueryGroups * headDim;
    }
  }

  /**
   * Rotary position embeddings.
   *
   * @param base {@code --rotary-base}, {@code --rope-theta}
   * @param percent share of the head dim that is rotated
   * @param interpolationFactor divides the positions; 1 for none
   * @param scaling Llama 3.1's rescaling of low frequencies; null for none
   */
  public record Rotary(
      double base, double percent, double interpolationFactor, @Nullable RopeScaling scaling) {}

  /**
   * What the layers are made of.
   *
   * @param tiedEmbeddings whether the head uses the embedding's weights
   */
  public record Layers(double normEpsilon, boolean tiedEmbeddings) {}

  /**
   * What only training needs.
   *
   * @param initStd standard deviation of initial weights; projections back into the residual stream
   *     get {@code initStd / sqrt(2 · numLayers)}
   * @param zLoss coefficient of the z-loss; 0 for none
   * @param samples what layers need to know of samples, beyond their tokens
   */
  public record Training(double initStd, double zLoss, Recompute recompute, Samples.Kinds samples) {
    /** Sets what training over tokens alone needs. */
    public Training(double initStd, double zLoss, Recompute recompute) {
      this(initStd, zLoss, recompute, Samples.Kinds.NONE);
    }

    Training withRecompute(Recompute other) {
      return new Training(initStd, zLoss, other, samples);
    }

    Training withSamples(Samples.Kinds other) {
      return new Training(initStd, zLoss, recompute, other);
    }
  }

  /**
   * What the backward recomputes instead of keeping.
   *
   * @param numLayers for FULL_UNIFORM the layers per group, for FULL_BLOCK the number of recomputed
   *     layers
   */
  public record Recompute(Granularity granularity, int numLayers) {
    public Recompute {
      if (granularity == Granularity.FULL_UNIFORM && numLayers < 1) {
        throw new UserException(
            "--recompute-num-layers: %d (expected: 1 or more, the layers of a group)."
                    .formatted(numLayers)
                + " Give 1 to recompute each layer on its own.");
      }
    }

    public static final Recompute NONE = new Recompute(Granularity.NONE, 0);
  }

  /** Megatron's {@code --recompute-granularity} and {@code --recompute-method}. */
  public enum Granularity {
    NONE,
    /** The attention core. */
    SELECTIVE,
    /** Whole layers, in groups: only the input of a group is kept. */
    FULL_UNIFORM,
    /** The first layers of the chunk, one by one. */
    FULL_BLOCK
  }
}
