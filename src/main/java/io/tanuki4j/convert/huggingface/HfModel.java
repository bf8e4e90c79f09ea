package io.tanuki4j.convert.huggingface;

import io.tanuki4j.error.UserException;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.model.ModelConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Llama as {@code config.json} describes it: the shape of the model, and the ids of its special
 * tokens. Reading rejects a configuration that needs more than this (biases, other activations or
 * position embeddings).
 *
 * @param eosIds several may end a text
 */
public record HfModel(
    ModelConfig shape, @Nullable Integer bosId, List<Integer> eosIds, @Nullable Integer padId) {
  /** A Llama in Megatron's arguments; other values of these need another model. */
  private static final Map<String, Object> FIXED = fixed();

  public HfModel {
    eosIds = List.copyOf(eosIds);
  }

  private static Map<String, Object> fixed() {
    Map<String, Object> fixed = new LinkedHashMap<>();
    fixed.put("position_embedding_type", "rope");
    fixed.put("normalization", "RMSNorm");
    fixed.put("swiglu", true);
    fixed.put("add_bias_linear", false);
    fixed.put("squared_relu", false);
    fixed.put("qk_layernorm", false);
    fixed.put("add_qkv_bias", false);
    fixed.put("rotary_percent", 1.0);
    fixed.put("rotary_interleaved", false);
    fixed.put("apply_layernorm_1p", false);
    fixed.put("attention_dropout", 0.0);
    fixed.put("hidden_dropout", 0.0);
    return fixed;
  }

  /**
   * Returns the model of a checkpoint's arguments.
   *
   * @param source the checkpoint, for messages
   * @param arguments by Megatron's names
   * @param vocabSize rows of the vocabulary's tensors
   * @throws UserException if the arguments lack a size, or describe a model that transformers'
   *     Llama does not cover
   */
  public static HfModel ofArguments(
      String source, Map<String, ? extends @Nullable Object> arguments, int vocabSize) {
    FIXED.forEach((name, value) -> expect(source, name, arguments.get(name), value));
    return new HfModel(
        new MegatronArguments(source, arguments).model(vocabSize),
        id(arguments.get("bos_token_id")),
        ids(arguments.get("eos_token_id")),
        id(arguments.get("pad_token_id")));
  }

  private static void expect(String source, String name, @Nullable Object value, Object expected) {
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

  private static @Nullable Integer id(@Nullable Object value) {
    return value instanceof Number number ? (Integer) number.intValue() : null;
  }

  private static List<Integer> ids(@Nullable Object value) {
    return value instanceof List<?> list
        ? list.stream().map(id -> ((Number) id).intValue()).toList()
        : List.of();
  }

  /** Returns the arguments of a checkpoint that this model is converted into. */
  public Map<String, @Nullable Object> toArguments() {
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>(MegatronArguments.of(shape));
    arguments.put("rotary_base", shape.rotary().base());
    arguments.put("bos_token_id", bosId);
    arguments.put("eos_token_id", eosIds);
    arguments.put("pad_token_id", padId);
    arguments.putAll(FIXED);
    return arguments;
  }

  /** Returns the number of vocabulary rows. */
  public int vocabSize() {
    return shape.sizes().vocabSize();
  }

  /** Returns the same with a tokenizer's values: the number of its ids, and the special ones. */
  public HfModel withTokenizer(
      int rows, @Nullable Integer bos, List<Integer> eos, @Nullable Integer pad) {
    return new HfModel(shape.withVocabSize(rows), bos, eos, pad);
  }
}
