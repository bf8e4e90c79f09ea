package io.tanuki4j.convert.huggingface;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The models of transformers with Llama's architecture, and the defaults in which their
 * configurations differ.
 */
enum HfArchitecture {
  LLAMA("llama", "LlamaForCausalLM", 2048),
  /** Has eight key/value heads, and sliding-window attention unless the window is null. */
  MISTRAL("mistral", "MistralForCausalLM", 4096 * 32);

  private static final int MISTRAL_KEY_VALUE_HEADS = 8;
  private static final int MISTRAL_WINDOW = 4096;

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
   * @throws io.tanuki4j.error.UserException if it is none of these
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
              return json.wrong("model_type", type, all + ", which have the shape of a Llama");
            });
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
    return this == MISTRAL ? MISTRAL_KEY_VALUE_HEADS : numHeads;
  }

  /**
   * Rejects an attention window that is shorter than the longest sequence.
   *
   * @param maxPositionEmbeddings of the configuration, in tokens
   */
  void checkWindow(JsonFields json, int maxPositionEmbeddings) {
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
