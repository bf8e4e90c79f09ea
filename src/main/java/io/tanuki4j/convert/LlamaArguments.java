package io.tanuki4j.convert;

import io.tanuki4j.convert.huggingface.HfLlamaConfig;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Layers;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Rotary;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a Llama as Megatron's arguments ({@code num_layers}), which checkpoints keep, and as
 * a Hugging Face configuration.
 */
final class LlamaArguments {
  /** A Llama in Megatron's arguments; other values of these need another model. */
  private static final Map<String, Object> FIXED = fixed();

  private final String source;
  private final Map<String, ? extends @Nullable Object> arguments;

  private LlamaArguments(String source, Map<String, ? extends @Nullable Object> arguments) {
    this.source = source;
    this.arguments = arguments;
  }

  private static Map<String, Object> fixed() {
    Map<String, Object> fixed = new LinkedHashMap<>();
    fixed.put("position_embedding_type", "rope");
    fixed.put("normalization", "RMSNorm");
    fixed.put("swiglu", true);
    fixed.put("add_bias_linear", false);
    fixed.put("add_qkv_bias", false);
    fixed.put("rotary_percent", 1.0);
    fixed.put("rotary_interleaved", false);
    fixed.put("apply_layernorm_1p", false);
    fixed.put("attention_dropout", 0.0);
    fixed.put("hidden_dropout", 0.0);
    return fixed;
  }

  /** Returns the arguments of a model that comes from a Hugging Face folder. */
  static Map<String, @Nullable Object> of(HfLlamaConfig config) {
    Map<String, @Nullable Object> arguments =
        new LinkedHashMap<>(MegatronArguments.of(model(config)));
    arguments.put("rotary_base", config.ropeTheta());
    arguments.put("bos_token_id", config.bosId());
    arguments.put("eos_token_id", config.eosIds());
    arguments.put("pad_token_id", config.padId());
    arguments.putAll(FIXED);
    return arguments;
  }

  private static ModelConfig model(HfLlamaConfig config) {
    return new ModelConfig(
        new Sizes(
            config.numLayers(),
            config.hiddenSize(),
            config.ffnHiddenSize(),
            config.vocabSize(),
            config.maxPositionEmbeddings(),
            config.maxPositionEmbeddings()),
        new Attention(config.numHeads(), config.numKeyValueHeads(), config.headDim()),
        new Rotary(config.ropeTheta(), 1, config.positionInterpolation(), config.ropeScaling()),
        new Layers(config.normEpsilon(), config.tiedEmbeddings()),
        new Training(config.initializerRange(), 0, Recompute.NONE));
  }

  /**
   * Returns the Hugging Face configuration of a checkpoint's arguments.
   *
   * @param source the checkpoint, for messages
   * @param vocabSize rows of the vocabulary's tensors
   * @throws UserException if the arguments lack a size, or describe a model that transformers'
   *     Llama does not cover
   */
  static HfLlamaConfig toConfig(
      String source, Map<String, ? extends @Nullable Object> arguments, int vocabSize) {
    return new LlamaArguments(source, arguments).config(vocabSize);
  }

  private HfLlamaConfig config(int vocabSize) {
    FIXED.forEach(this::expect);
    ModelConfig model = new MegatronArguments(source, arguments).model(vocabSize);
    return new HfLlamaConfig(
        model.sizes().numLayers(),
        model.sizes().hiddenSize(),
        model.sizes().ffnHiddenSize(),
        model.attention().numHeads(),
        model.attention().numQueryGroups(),
        model.attention().headDim(),
        vocabSize,
        model.sizes().maxPositionEmbeddings(),
        model.layers().normEpsilon(),
        model.rotary().base(),
        model.rotary().interpolationFactor(),
        model.rotary().scaling(),
        model.layers().tiedEmbeddings(),
        model.training().initStd(),
        id("bos_token_id"),
        ids("eos_token_id"),
        id("pad_token_id"));
  }

  private void expect(String name, Object expected) {
    Object value = arguments.get(name);
    if (!same(value, expected)) {
      throw new UserException(
          "%s: its argument %s is %s (expected for a Hugging Face Llama: %s)."
              .formatted(source, name, value, expected));
    }
  }

  /**
   * Returns whether a value is as expected. An absent one counts as equal: nothing then says that
   * Megatron's default differs.
   */
  private static boolean same(@Nullable Object value, Object expected) {
    if (value instanceof Number a && expected instanceof Number b) {
      return a.doubleValue() == b.doubleValue();
    }
    return value == null || value.equals(expected);
  }

  private @Nullable Integer id(String name) {
    return arguments.get(name) instanceof Number number ? (Integer) number.intValue() : null;
  }

  private List<Integer> ids(String name) {
    return arguments.get(name) instanceof List<?> list
        ? list.stream().map(id -> ((Number) id).intValue()).toList()
        : List.of();
  }
}
