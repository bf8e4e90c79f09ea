package io.tanuki4j.convert.huggingface;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.nn.RopeScaling;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes {@code config.json} and {@code generation_config.json} for transformers 4 and 5. */
final class HfConfigWriter {
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().setPrettyPrinting().disableHtmlEscaping().create();

  private HfConfigWriter() {}

  static void write(Path folder, HfLlamaConfig config, ElementType type) throws IOException {
    writeJson(folder.resolve(HfConfigReader.NAME), fields(config, typeName(type)));
    writeJson(folder.resolve("generation_config.json"), specialIds(config));
  }

  static void writeJson(Path file, Map<String, ?> fields) throws IOException {
    NewFile.write(file, (GSON.toJson(fields) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static Map<String, @Nullable Object> fields(HfLlamaConfig config, String typeName) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("architectures", List.of(HfArchitecture.LLAMA.className()));
    fields.put("model_type", HfArchitecture.LLAMA.modelType());
    fields.put("vocab_size", config.vocabSize());
    fields.put("hidden_size", config.hiddenSize());
    fields.put("intermediate_size", config.ffnHiddenSize());
    fields.put("num_hidden_layers", config.numLayers());
    fields.put("num_attention_heads", config.numHeads());
    fields.put("num_key_value_heads", config.numKeyValueHeads());
    fields.put("head_dim", config.headDim());
    fields.put("hidden_act", "silu");
    fields.put("max_position_embeddings", config.maxPositionEmbeddings());
    fields.put("initializer_range", config.initializerRange());
    fields.put("rms_norm_eps", config.normEpsilon());
    fields.put("use_cache", true);
    fields.putAll(specialIds(config));
    fields.put("tie_word_embeddings", config.tiedEmbeddings());
    fields.put("attention_bias", false);
    fields.put("attention_dropout", 0.0);
    fields.put("mlp_bias", false);
    fields.put("pretraining_tp", 1);
    Map<String, Object> scaling = scaling(config);
    fields.put("rope_theta", config.ropeTheta());
    fields.put("rope_scaling", scaling.isEmpty() ? null : scaling);
    fields.put("rope_parameters", ropeParameters(config, scaling));
    fields.put("torch_dtype", typeName);
    fields.put("dtype", typeName);
    return fields;
  }

  private static Map<String, @Nullable Object> specialIds(HfLlamaConfig config) {
    Map<String, @Nullable Object> ids = new LinkedHashMap<>();
    ids.put("bos_token_id", config.bosId());
    List<Integer> eosIds = config.eosIds();
    ids.put("eos_token_id", eosIds.isEmpty() ? null : eosIds.size() == 1 ? eosIds.get(0) : eosIds);
    ids.put("pad_token_id", config.padId());
    return ids;
  }

  /** Returns the scaling; empty for plain RoPE. */
  private static Map<String, Object> scaling(HfLlamaConfig config) {
    Map<String, Object> scaling = new LinkedHashMap<>();
    RopeScaling llama3 = config.ropeScaling();
    if (llama3 != null) {
      scaling.put("rope_type", "llama3");
      scaling.put("factor", llama3.factor());
      scaling.put("low_freq_factor", llama3.lowFrequencyFactor());
      scaling.put("high_freq_factor", llama3.highFrequencyFactor());
      scaling.put("original_max_position_embeddings", llama3.originalLength());
    } else if (config.positionInterpolation() != 1) {
      scaling.put("rope_type", "linear");
      scaling.put("factor", config.positionInterpolation());
    }
    return scaling;
  }

  private static Map<String, Object> ropeParameters(
      HfLlamaConfig config, Map<String, Object> scaling) {
    Map<String, Object> parameters = new LinkedHashMap<>(scaling);
    parameters.putIfAbsent("rope_type", "default");
    parameters.put("rope_theta", config.ropeTheta());
    return parameters;
  }

  private static String typeName(ElementType type) {
    return switch (type) {
      case F64 -> "float64";
      case F32 -> "float32";
      case BF16 -> "bfloat16";
      case F16 -> "float16";
      default ->
          throw new IllegalArgumentException(
              "weights of type " + type.name().toLowerCase(Locale.ROOT) + " in a Llama");
    };
  }
}
