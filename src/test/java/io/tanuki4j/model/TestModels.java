package io.tanuki4j.model;

import io.tanuki4j.model.ModelConfig.Activation;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.Embeddings;
import io.tanuki4j.model.ModelConfig.Layers;
import io.tanuki4j.model.ModelConfig.Norm;
import io.tanuki4j.model.ModelConfig.Positions;
import io.tanuki4j.model.ModelConfig.Rotary;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;

/** Models of tests that vary sizes only. What they leave out is Llama's. */
public final class TestModels {
  /** Positions as in Llama 2. */
  public static final Rotary ROTARY = new Rotary(1e4, 1, 1, null);

  private TestModels() {}

  /** Returns a model with Llama 2's positions and norms. */
  public static ModelConfig llama(
      Sizes sizes, Attention attention, boolean tied, Training training) {
    return new ModelConfig(
        sizes, attention, ROTARY, Family.LLAMA.layers(), Family.LLAMA.embeddings(tied), training);
  }

  /** Families of models, by what their layers are made of. */
  public enum Family {
    LLAMA,
    /** Has biases of queries, keys and values. */
    QWEN2,
    /** Has norms of queries and keys. */
    QWEN3,
    /** Megatron's defaults: LayerNorm, GELU, biases, learned positions. */
    GPT,
    /** Has biases, no gate and no positions, and LayerNorms of queries and keys. */
    MIXED,
    /** A Llama with learned positions, whose embedding's result is scaled. */
    SCALED;

    /** Returns their layers. */
    public Layers layers() {
      boolean qkNorm = this == QWEN3 || this == MIXED;
      return switch (this) {
        case LLAMA, QWEN2, QWEN3, SCALED ->
            new Layers(
                Norm.RMS_NORM,
                1e-5,
                qkNorm,
                Activation.SWIGLU,
                this == QWEN2 ? Biases.QKV : Biases.NONE);
        case GPT -> new Layers(Norm.LAYER_NORM, 1e-5, qkNorm, Activation.GELU_TANH, Biases.ALL);
        case MIXED ->
            new Layers(Norm.LAYER_NORM, 1e-5, qkNorm, Activation.SQUARED_RELU, Biases.ALL);
      };
    }

    /** Returns their embeddings. */
    public Embeddings embeddings(boolean tied) {
      return switch (this) {
        case LLAMA, QWEN2, QWEN3 -> Embeddings.llama(tied);
        case GPT -> new Embeddings(Positions.LEARNED_ABSOLUTE, tied, false);
        case SCALED -> new Embeddings(Positions.LEARNED_ABSOLUTE, tied, true);
        case MIXED -> new Embeddings(Positions.NONE, tied, false);
      };
    }
  }
}
