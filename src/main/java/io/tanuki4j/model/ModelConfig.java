package io.tanuki4j.model;

import io.tanuki4j.error.UserException;
import io.tanuki4j.nn.RopeScaling;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a Llama and its initialisation.
 *
 * @param ffnHiddenSize f: width of the gate and of the up projection
 * @param numHeads n
 * @param numQueryGroups g; equal to numHeads without grouped-query attention
 * @param headDim d ({@code --kv-channels})
 * @param vocabSize v, padded
 * @param seqLength s: length of the samples, and of the rotary table
 * @param ropeBase {@code --rotary-base}, {@code --rope-theta}
 * @param rotaryPercent share of the head dim that is rotated
 * @param rotaryInterpolationFactor divides the positions; 1 for none
 * @param ropeScaling Llama 3.1's rescaling of low frequencies; null for none
 * @param tiedEmbeddings whether the head uses the embedding's weights
 * @param initStd standard deviation of initial weights; projections back into the residual stream
 *     get {@code initStd / sqrt(2 · numLayers)}
 * @param zLoss coefficient of the z-loss; 0 for none
 */
public record ModelConfig(
    int numLayers,
    int hiddenSize,
    int ffnHiddenSize,
    int numHeads,
    int numQueryGroups,
    int headDim,
    int vocabSize,
    int seqLength,
    int maxPositionEmbeddings,
    double ropeBase,
    double rotaryPercent,
    double rotaryInterpolationFactor,
    @Nullable RopeScaling ropeScaling,
    double normEpsilon,
    boolean tiedEmbeddings,
    double initStd,
    double zLoss,
    Recompute recompute) {

  /** Returns the same model with a vocabulary of another size. */
  public ModelConfig withVocabSize(int size) {
    return with(size, recompute);
  }

  /** Returns the same model with another choice of recomputation. */
  public ModelConfig withRecompute(Recompute other) {
    return with(vocabSize, other);
  }

  private ModelConfig with(int size, Recompute recomputed) {
    return new ModelConfig(
        numLayers,
        hiddenSize,
        ffnHiddenSize,
        numHeads,
        numQueryGroups,
        headDim,
        size,
        seqLength,
        maxPositionEmbeddings,
        ropeBase,
        rotaryPercent,
        rotaryInterpolationFactor,
        ropeScaling,
        normEpsilon,
        tiedEmbeddings,
        initStd,
        zLoss,
        recomputed);
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
