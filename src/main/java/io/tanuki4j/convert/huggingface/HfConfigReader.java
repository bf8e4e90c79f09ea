package io.tanuki4j.convert.huggingface;

import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Embeddings;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Rotary;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.nn.RopeScaling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code config.json}. Absent fields have the defaults of transformers' configurations; RoPE
 * is read from {@code rope_parameters} (version 5) or {@code rope_theta} and {@code rope_scaling}
 * (version 4).
 */
final class HfConfigReader {
  static final String NAME = "config.json";

  private static final double DEFAULT_THETA = 10_000;
  private static final double DEFAULT_EPSILON = 1e-6;
  private static final double DEFAULT_INITIALIZER_RANGE = 0.02;
  private static final int MOST_LAYERS = 100_000;

  private final JsonFields json;
  private final HfArchitecture architecture;

  private HfConfigReader(JsonFields json) {
    this.json = json;
    this.architecture = HfArchitecture.of(json);
  }

  /**
   * Reads the file of a folder.
   *
   * @throws UserException if it is damaged, or its model is not built here
   */
  static HfModel read(Path folder) throws IOException {
    HfConfigReader reader = new HfConfigReader(JsonFields.read(folder.resolve(NAME)));
    reader.refuseOtherModels();
    return reader.config();
  }

  private void refuseOtherModels() {
    String className = architecture.className();
    if (json.has("architectures") && !json.isList("architectures", List.of(className))) {
      throw json.wrong("architectures", json.raw("architectures"), "[\"" + className + "\"]");
    }
    if (json.object("auto_map").has("AutoModelForCausalLM")) {
      throw json.wrong(
          "auto_map",
          "given, so the model has code of its own",
          "none; remove it if the model is computed as transformers' own " + className);
    }
    expect("hidden_act", json.text("hidden_act", "silu"), "silu");
    expect("attention_dropout", json.number("attention_dropout", 0), 0.0);
    if (json.has("quantization_config")) {
      throw json.wrong("quantization_config", "given", "none; use the unquantized weights");
    }
  }

  private HfModel config() {
    int heads = json.size("num_attention_heads");
    int hidden = json.size("hidden_size");
    int keyValueHeads = json.size("num_key_value_heads", architecture.numKeyValueHeads(heads));
    if (heads % keyValueHeads != 0) {
      throw json.wrong(
          "num_key_value_heads", keyValueHeads, "a divisor of the " + heads + " heads");
    }
    Rotary rope = rope();
    int positions = json.size("max_position_embeddings", architecture.maxPositionEmbeddings());
    architecture.checkWindow(json, positions);
    return new HfModel(
        new ModelConfig(
            new Sizes(
                numLayers(),
                hidden,
                json.size("intermediate_size"),
                json.size("vocab_size"),
                positions,
                positions),
            new Attention(
                heads, keyValueHeads, json.size("head_dim", architecture.headDim(hidden, heads))),
            rope,
            architecture.layers(
                json, json.number("rms_norm_eps", DEFAULT_EPSILON, NumberRange.EPSILON)),
            Embeddings.llama(json.flag("tie_word_embeddings", false)),
            new Training(
                json.number("initializer_range", DEFAULT_INITIALIZER_RANGE, NumberRange.DEVIATION),
                0,
                Recompute.NONE)),
        first(json.ids("bos_token_id")),
        json.ids("eos_token_id"),
        first(json.ids("pad_token_id")));
  }

  private int numLayers() {
    int layers = json.size("num_hidden_layers");
    if (layers > MOST_LAYERS) {
      throw json.wrong("num_hidden_layers", layers, "at most " + MOST_LAYERS);
    }
    return layers;
  }

  /** Reads RoPE, whose base is next to the scaling or inside it. */
  private Rotary rope() {
    JsonFields parameters =
        json.object(json.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
    double outside = json.number("rope_theta", DEFAULT_THETA, NumberRange.BASE);
    double theta = parameters.number("rope_theta", outside, NumberRange.BASE);
    double partial =
        parameters.number("partial_rotary_factor", json.number("partial_rotary_factor", 1));
    expect("partial_rotary_factor", partial, 1.0);
    String type = parameters.text("rope_type", parameters.text("type", "default"));
    return switch (type) {
      case "default" -> new Rotary(theta, 1, 1, null);
      case "linear" -> new Rotary(theta, 1, factor(parameters), null);
      case "llama3" -> new Rotary(theta, 1, 1, llama3(parameters));
      default -> throw json.wrong("rope_type", type, "default, linear or llama3");
    };
  }

  private static double factor(JsonFields parameters) {
    parameters.require("factor", "a number of 1 or more");
    return parameters.number("factor", 1, NumberRange.FACTOR);
  }

  private RopeScaling llama3(JsonFields parameters) {
    RopeScaling usual = RopeScaling.LLAMA3;
    double low =
        parameters.number("low_freq_factor", usual.lowFrequencyFactor(), NumberRange.POSITIVE);
    double high =
        parameters.number("high_freq_factor", usual.highFrequencyFactor(), NumberRange.POSITIVE);
    if (high <= low) {
      throw parameters.wrong("high_freq_factor", high, "more than low_freq_factor, " + low);
    }
    int length = parameters.size("original_max_position_embeddings", usual.originalLength());
    return new RopeScaling(factor(parameters), low, high, length);
  }

  private void expect(String name, Object value, Object expected) {
    if (!value.equals(expected)) {
      throw json.wrong(name, value, expected + ", the only one supported");
    }
  }

  private static @Nullable Integer first(List<Integer> ids) {
    return ids.isEmpty() ? null : ids.get(0);
  }
}
