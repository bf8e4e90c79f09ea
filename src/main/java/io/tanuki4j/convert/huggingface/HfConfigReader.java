package io.tanuki4j.convert.huggingface;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code config.json}. Absent fields have the defaults of transformers' LlamaConfig; RoPE is
 * read from {@code rope_parameters} (version 5) or {@code rope_theta} and {@code rope_scaling}
 * (version 4).
 */
final class HfConfigReader {
  static final String NAME = "config.json";

  static final String ARCHITECTURE = "LlamaForCausalLM";
  static final double LLAMA3_LOW = 1;
  static final double LLAMA3_HIGH = 4;
  static final int LLAMA3_ORIGINAL_LENGTH = 8192;

  private static final double DEFAULT_THETA = 10_000;
  private static final double DEFAULT_EPSILON = 1e-6;
  private static final double DEFAULT_INITIALIZER_RANGE = 0.02;
  private static final int DEFAULT_POSITIONS = 2048;

  private final JsonFields json;

  private HfConfigReader(JsonFields json) {
    this.json = json;
  }

  /**
   * @throws IllegalArgumentException if it is damaged, or of a model that is no plain Llama
   */
  static HfLlamaConfig read(Path folder) throws IOException {
    HfConfigReader reader = new HfConfigReader(JsonFields.read(folder.resolve(NAME)));
    reader.refuseOtherModels();
    return reader.config();
  }

  private void refuseOtherModels() {
    expect("model_type", json.text("model_type", "(none)"), "llama");
    if (json.has("architectures") && !json.isList("architectures", List.of(ARCHITECTURE))) {
      throw json.wrong("architectures", json.raw("architectures"), "[\"" + ARCHITECTURE + "\"]");
    }
    expect("hidden_act", json.text("hidden_act", "silu"), "silu");
    expect("attention_bias", json.flag("attention_bias", false), false);
    expect("mlp_bias", json.flag("mlp_bias", false), false);
    expect("attention_dropout", json.number("attention_dropout", 0), 0.0);
    if (json.has("quantization_config")) {
      throw json.wrong("quantization_config", "given", "none; use the unquantized weights");
    }
  }

  private HfLlamaConfig config() {
    int heads = json.size("num_attention_heads");
    int hidden = json.size("hidden_size");
    int keyValueHeads = json.size("num_key_value_heads", heads);
    if (heads % keyValueHeads != 0) {
      throw json.wrong(
          "num_key_value_heads", keyValueHeads, "a divisor of the " + heads + " heads");
    }
    Rope rope = rope();
    return new HfLlamaConfig(
        json.size("num_hidden_layers"),
        hidden,
        json.size("intermediate_size"),
        heads,
        keyValueHeads,
        json.size("head_dim", hidden / heads),
        json.size("vocab_size"),
        json.size("max_position_embeddings", DEFAULT_POSITIONS),
        json.number("rms_norm_eps", DEFAULT_EPSILON),
        rope.theta(),
        rope.interpolation(),
        rope.llama3Factor(),
        json.flag("tie_word_embeddings", false),
        json.number("initializer_range", DEFAULT_INITIALIZER_RANGE),
        first(json.ids("bos_token_id")),
        json.ids("eos_token_id"),
        first(json.ids("pad_token_id")));
  }

  private Rope rope() {
    JsonFields parameters =
        json.object(json.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
    double theta = parameters.number("rope_theta", json.number("rope_theta", DEFAULT_THETA));
    double partial =
        parameters.number("partial_rotary_factor", json.number("partial_rotary_factor", 1));
    expect("partial_rotary_factor", partial, 1.0);
    String type = parameters.text("rope_type", parameters.text("type", "default"));
    return switch (type) {
      case "default" -> new Rope(theta, 1, null);
      case "linear" -> new Rope(theta, parameters.number("factor", 1), null);
      case "llama3" -> llama3(parameters, theta);
      default -> throw json.wrong("rope_type", type, "default, linear or llama3");
    };
  }

  private Rope llama3(JsonFields parameters, double theta) {
    expect("low_freq_factor", parameters.number("low_freq_factor", LLAMA3_LOW), LLAMA3_LOW);
    expect("high_freq_factor", parameters.number("high_freq_factor", LLAMA3_HIGH), LLAMA3_HIGH);
    expect(
        "original_max_position_embeddings",
        parameters.size("original_max_position_embeddings", LLAMA3_ORIGINAL_LENGTH),
        LLAMA3_ORIGINAL_LENGTH);
    return new Rope(theta, 1, parameters.number("factor", 1));
  }

  private void expect(String name, Object value, Object expected) {
    if (!value.equals(expected)) {
      throw json.wrong(name, value, expected + ", the only one supported");
    }
  }

  private static @Nullable Integer first(List<Integer> ids) {
    return ids.isEmpty() ? null : ids.get(0);
  }

  private record Rope(double theta, double interpolation, @Nullable Double llama3Factor) {}
}
