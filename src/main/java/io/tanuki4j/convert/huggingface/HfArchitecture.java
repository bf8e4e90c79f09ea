package io.tanuki4j.convert.huggingface;

import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Activation;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.Layers;
import io.tanuki4j.model.ModelConfig.Norm;
import io.tanuki4j.model.ModelConfig.Positions;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The models of transformers that are built here: what their layers are made of, and the defaults
 * in which their configurations differ.
 */
enum HfArchitecture {
  LLAMA("llama", "LlamaForCausalLM", 2048),
  /** Has eight key/value heads, and sliding-window attention unless the window is null. */
  MISTRAL("mistral", "MistralForCausalLM", 4096 * 32),
  /** Has biases of queries, keys and values. */
  QWEN2("qwen2", "Qwen2ForCausalLM", 32_768),
  /** Has norms of queries and keys. */
  QWEN3("qwen3", "Qwen3ForCausalLM", 32_768);

  private static final int MISTRAL_KEY_VALUE_HEADS = 8;
  private static final int MISTRAL_WINDOW = 4096;
  private static final int QWEN_KEY_VALUE_HEADS = 32;
  private static final int QWEN3_HEAD_DIM = 128;

  private final String modelType;
  private final String className;
  private final int maxPositionEmbeddings;

  HfArchitecture(String modelType, String className, int maxPositionEmbeddings) {
    this.modelType = modelType;
    this.className = className;
    this.maxPositionEmbeddings = maxPositionEmbeddings;
  }

  /**
   * Returns the architecture that a configuration names.
   *
   * @throws UserException if it is none of these
   */
  static HfArchitecture of(JsonFields json) {
    String type = json.text("model_type", "(none)");
    return Arrays.stream(values())
        .filter(one -> one.modelType.equals(type))
        .findFirst()
        .orElseThrow(
            () -> {
              String all =
                  Arrays.stream(values())
                      .map(one -> one.modelType)
                      .collect(Collectors.joining(" or "));
              return json.wrong("model_type", type, all + ", which are built here");
            });
  }

  /**
   * Returns the architecture of a model.
   *
   * @throws UserException if none of these has such layers
   */
  static HfArchitecture of(ModelConfig model) {
    return find(model)
        .orElseThrow(
            () ->
                new UserException(
                    "the model's layers: %s, %s, %s (expected for Hugging Face: those of Llama, Qwen2 or Qwen3). Write another format."
                        .formatted(model.layers(), model.embeddings(), model.rotary())));
  }

  /** Returns the architecture of a model; empty if none of these has such layers. */
  static Optional<HfArchitecture> find(ModelConfig model) {
    Layers layers = model.layers();
    if (model.embeddings().positions() != Positions.ROPE
        || model.embeddings().scaled()
        || model.rotary().percent() != 1) {
      return Optional.empty();
    }
    return Stream.of(LLAMA, QWEN2, QWEN3)
        .filter(
            one -> one.layers(layers.normEpsilon(), one.mayHaveAll(layers.biases())).equals(layers))
        .findFirst();
  }

  private Biases mayHaveAll(Biases wanted) {
    return this == LLAMA && wanted == Biases.ALL ? wanted : ownBiases();
  }

  private Biases ownBiases() {
    return this == QWEN2 ? Biases.QKV : Biases.NONE;
  }

  /** Returns what the layers of a configuration are made of. */
  Layers layers(JsonFields json, double normEpsilon) {
    boolean attention = this != QWEN2 && json.flag("attention_bias", false);
    boolean mlp = json.flag("mlp_bias", false);
    if (attention != mlp || (attention && this != LLAMA)) {
      throw json.wrong(
          attention ? "attention_bias" : "mlp_bias",
          true,
          "false, or both attention_bias and mlp_bias of a Llama");
    }
    return layers(normEpsilon, attention ? Biases.ALL : ownBiases());
  }

  private Layers layers(double normEpsilon, Biases biases) {
    return new Layers(
        Norm.RMS_NORM, normEpsilon, /* qkNorm= */ this == QWEN3, Activation.SWIGLU, biases);
  }

  String modelType() {
    return modelType;
  }

  /** Returns the name of its class in transformers. */
  String className() {
    return className;
  }

  /** Returns the default length of the longest sequence, in tokens. */
  int maxPositionEmbeddings() {
    return maxPositionEmbeddings;
  }

  /** Returns the default number of key/value heads. */
  int numKeyValueHeads(int numHeads) {
    return switch (this) {
      case LLAMA -> numHeads;
      case MISTRAL -> MISTRAL_KEY_VALUE_HEADS;
      case QWEN2, QWEN3 -> QWEN_KEY_VALUE_HEADS;
    };
  }

  /** Returns the default size of a head. */
  int headDim(int hiddenSize, int numHeads) {
    return this == QWEN3 ? QWEN3_HEAD_DIM : Math.max(1, hiddenSize / numHeads);
  }

  /**
   * Rejects an attention window that is shorter than the longest sequence.
   *
   * @param maxPositionEmbeddings of the configuration, in tokens
   */
  void checkWindow(JsonFields json, int maxPositionEmbeddings) {
    if (json.flag("use_sliding_window", false)) {
      throw json.wrong("use_sliding_window", true, "false, as there is no attention in a window");
    }
    if (this != MISTRAL || json.isNull("sliding_window")) {
      return;
    }
    int window = json.size("sliding_window", MISTRAL_WINDOW);
    if (window < maxPositionEmbeddings) {
      throw json.wrong(
          "sliding_window",
          window,
          "null, or at least max_position_embeddings %d, as there is no attention in a window"
              .formatted(maxPositionEmbeddings));
    }
  }
}
