package io.tanuki4j.convert.huggingface;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.nn.RopeScaling;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes {@code model.json} and {@code generation_config.json} for transformers 4 and 5. */
final class HfConfigWriter {
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().setPrettyPrinting().disableHtmlEscaping().create();

  private HfConfigWriter() {}

  static void write(Path folder, HfModel model, ElementType type) throws IOException {
    writeJson(folder.resolve(HfConfigReader.NAME), fields(model, typeName(type)));
    writeJson(folder.resolve("generation_config.json"), specialIds(model));
  }

  static void writeJson(Path file, Map<String, ?> fields) throws IOException {
    NewFile.write(file, (GSON.toJson(fields) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static Map<String, @Nullable Object> fields(HfModel model, String typeName) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    HfArchitecture architecture = HfArchitecture.of(model.shape());
    boolean biases = model.shape().layers().biases() == Biases.ALL;
    fields.put("architectures", List.of(architecture.className()));
    fields.put("model_type", architecture.modelType());
    fields.put("vocab_size", model.shape().sizes().vocabSize());
    fields.put("hidden_size", model.shape().sizes().hiddenSize());
    fields.put("intermediate_size", model.shape().sizes().ffnHiddenSize());
    fields.put("num_hidden_layers", model.shape().sizes().numLayers());
    fields.put("num_attention_heads", model.shape().attention().numHeads());
    fields.put("num_key_value_heads", model.shape().attention().numQueryGroups());
    fields.put("head_dim", model.shape().attention().headDim());
    fields.put("hidden_act", "silu");
    fields.put("max_position_embeddings", model.shape().sizes().maxPositionEmbeddings());
    fields.put("initializer_range", model.shape().training().initStd());
    fields.put("rms_norm_eps", model.shape().layers().normEpsilon());
    fields.put("use_cache", true);
    fields.putAll(specialIds(model));
    fields.put("tie_word_embeddings", model.shape().embeddings().tied());
    fields.put("attention_bias", biases);
    fields.put("attention_dropout", 0.0);
    fields.put("mlp_bias", biases);
    fields.put("use_sliding_window", false);
    fields.put("pretraining_tp", 1);
    Map<String, Object> scaling = scaling(model);
    fields.put("rope_theta", model.shape().rotary().base());
    fields.put("rope_scaling", scaling.isEmpty() ? null : scaling);
    fields.put("rope_parameters", ropeParameters(model, scaling));
    fields.put("torch_dtype", typeName);
    fields.put("dtype", typeName);
    return fields;
  }

  private static Map<String, @Nullable Object> specialIds(HfModel model) {
    Map<String, @Nullable Object> ids = new LinkedHashMap<>();
    ids.put("bos_token_id", model.bosId());
    List<Integer> eosIds = model.eosIds();
    ids.put("eos_token_id", eosIds.isEmpty() ? null : eosIds.size() == 1 ? eosIds.get(0) : eosIds);
    ids.put("pad_token_id", model.padId());
    return ids;
  }

  /** Returns the scaling; empty for plain RoPE. */
  private static Map<String, Object> scaling(HfModel model) {
    Map<String, Object> scaling = new LinkedHashMap<>();
    RopeScaling llama3 = model.shape().rotary().scaling();
    if (llama3 != null) {
      scaling.put("rope_type", "llama3");
      scaling.put("factor", llama3.factor());
      scaling.put("low_freq_factor", llama3.lowFrequencyFactor());
      scaling.put("high_freq_factor", llama3.highFrequencyFactor());
      scaling.put("original_max_position_embeddings", llama3.originalLength());
    } else if (model.shape().rotary().interpolationFactor() != 1) {
      scaling.put("rope_type", "linear");
      scaling.put("factor", model.shape().rotary().interpolationFactor());
    }
    return scaling;
  }

  private static Map<String, Object> ropeParameters(HfModel model, Map<String, Object> scaling) {
    Map<String, Object> parameters = new LinkedHashMap<>(scaling);
    parameters.putIfAbsent("rope_type", "default");
    parameters.put("rope_theta", model.shape().rotary().base());
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
