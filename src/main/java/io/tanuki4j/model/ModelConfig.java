package io.tanuki4j.model;

import io.tanuki4j.error.UserException;
import io.tanuki4j.nn.RopeScaling;
import io.tanuki4j.nn.Samples;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The shape of a decoder and its initialisation. */
public record ModelConfig(
    Sizes sizes,
    Attention attention,
    Rotary rotary,
    Layers layers,
    Embeddings embeddings,
    Training training) {

  /** Returns the same model with a vocabulary of another size. */
  public ModelConfig withVocabSize(int size) {
    return new ModelConfig(
        sizes.withVocabSize(size), attention, rotary, layers, embeddings, training);
  }

  /** Returns how many elements at the begin of each query and key are rotated. */
  public int rotatedDim() {
    return (int) (attention.headDim() * rotary.percent());
  }

  /** Returns what the embedding's result is multiplied by. */
  public double embeddingScale() {
    return embeddings.scaled() ? Math.sqrt(sizes.hiddenSize()) : 1;
  }

  /** Returns a model whose embedding is not scaled, and whose head has weights of its own. */
  public ModelConfig withoutEmbeddingScale() {
    Embeddings other =
        new Embeddings(embeddings.positions(), /* tied= */ false, /* scaled= */ false);
    return new ModelConfig(sizes, attention, rotary, layers, other, training);
  }

  /** Returns the same model with another choice of recomputation. */
  public ModelConfig withRecompute(Recompute other) {
    return new ModelConfig(
        sizes, attention, rotary, layers, embeddings, training.withRecompute(other));
  }

  /** Returns the same model, trained with other knowledge of samples and another dropout. */
  public ModelConfig with(Samples.Kinds samples, DropoutRates dropout) {
    return new ModelConfig(
        sizes, attention, rotary, layers, embeddings, training.with(samples, dropout));
  }

  /**
   * How large the model and its samples are.
   *
   * @param hiddenSize h: width of the residual stream
   * @param ffnHiddenSize f: width inside the MLP, without the gate
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
   * @param qkNorm whether each head's query and each group's key are normalised before the rotation
   */
  public record Layers(
      Norm norm, double normEpsilon, boolean qkNorm, Activation activation, Biases biases) {
    /** Returns Llama's layers. */
    public static Layers llama(double normEpsilon) {
      return new Layers(
          Norm.RMS_NORM, normEpsilon, /* qkNorm= */ false, Activation.SWIGLU, Biases.NONE);
    }
  }

  /**
   * What the first layer gets.
   *
   * @param tied whether the head uses the embedding's weights
   * @param scaled whether the embedding's result, learned positions included, is multiplied by
   *     {@code sqrt(hiddenSize)}
   */
  public record Embeddings(Positions positions, boolean tied, boolean scaled) {
    /** Returns Llama's embeddings. */
    public static Embeddings llama(boolean tied) {
      return new Embeddings(Positions.ROPE, tied, /* scaled= */ false);
    }
  }

  /** Megatron's {@code --normalization}. */
  public enum Norm {
    RMS_NORM("RMSNorm"),
    LAYER_NORM("LayerNorm");

    private final String megatronName;

    Norm(String megatronName) {
      this.megatronName = megatronName;
    }

    public String megatronName() {
      return megatronName;
    }
  }

  /** What is between the MLP's two products. */
  public enum Activation {
    /** {@code --swiglu}. */
    SWIGLU,
    /** Megatron's default without fusion or without biases. */
    GELU,
    /** Megatron's default, which its fused kernel approximates by tanh. */
    GELU_TANH,
    /** {@code --squared-relu}. */
    SQUARED_RELU;

    public boolean isGated() {
      return this == SWIGLU;
    }
  }

  /** Which linear layers of a block have biases. */
  public enum Biases {
    /** {@code --disable-bias-linear}. */
    NONE,
    /** {@code --add-qkv-bias}: that of queries, keys and values. */
    QKV,
    /** Megatron's default. */
    ALL
  }

  /** Megatron's {@code --position-embedding-type}. */
  public enum Positions {
    ROPE,
    LEARNED_ABSOLUTE,
    NONE;

    public String megatronName() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What only training needs.
   *
   * @param initStd standard deviation of initial weights; projections back into the residual stream
   *     get {@code initStd / sqrt(2 · numLayers)}
   * @param zLoss coefficient of the z-loss; 0 for none
   * @param samples what layers need to know of samples, beyond their tokens
   */
  public record Training(
      double initStd,
      double zLoss,
      Recompute recompute,
      Samples.Kinds samples,
      DropoutRates dropout) {
    /** Sets what training over tokens alone needs. */
    public Training(double initStd, double zLoss, Recompute recompute) {
      this(initStd, zLoss, recompute, Samples.Kinds.NONE, DropoutRates.NONE);
    }

    Training withRecompute(Recompute other) {
      return new Training(initStd, zLoss, other, samples, dropout);
    }

    Training with(Samples.Kinds otherSamples, DropoutRates otherDropout) {
      return new Training(initStd, zLoss, recompute, otherSamples, otherDropout);
    }
  }

  /**
   * Which shares of elements training drops at random.
   *
   * @param hidden of the embedding's results, and of what each branch adds to the residual stream
   * @param attention of attention's probabilities
   * @param seed of the run, which the choice depends on
   */
  public record DropoutRates(double hidden, double attention, long seed) {
    /** Nothing is dropped. */
    public static final DropoutRates NONE = new DropoutRates(0, 0, 0);
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
