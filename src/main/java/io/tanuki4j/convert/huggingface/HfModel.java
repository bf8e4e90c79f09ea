package io.tanuki4j.convert.huggingface;

import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.model.ModelConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model as {@code config.json} describes it: its shape, and the ids of its special tokens.
 *
 * @param eosIds several may end a text
 */
public record HfModel(
    ModelConfig shape, @Nullable Integer bosId, List<Integer> eosIds, @Nullable Integer padId) {
  public HfModel {
    eosIds = List.copyOf(eosIds);
  }

  /**
   * Returns the model of a checkpoint's arguments.
   *
   * @param source the checkpoint, for messages
   * @param arguments by Megatron's names
   * @param vocabSize rows of the vocabulary's tensors
   * @throws io.tanuki4j.error.UserException if the arguments lack a size, or has a value that no
   *     model has
   */
  public static HfModel ofArguments(
      String source, Map<String, ? extends @Nullable Object> arguments, int vocabSize) {
    return new HfModel(
        new MegatronArguments(source, arguments).model(vocabSize),
        id(arguments.get("bos_token_id")),
        ids(arguments.get("eos_token_id")),
        id(arguments.get("pad_token_id")));
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
    arguments.put("rotary_interleaved", false);
    arguments.put("apply_layernorm_1p", false);
    arguments.put("attention_dropout", 0.0);
    arguments.put("hidden_dropout", 0.0);
    return arguments;
  }

  /** Returns the number of vocabulary rows. */
  public int vocabSize() {
    return shape.sizes().vocabSize();
  }

  /** Returns a model whose embedding is not scaled, and whose head has weights of its own. */
  public HfModel withoutEmbeddingScale() {
    return new HfModel(shape.withoutEmbeddingScale(), bosId, eosIds, padId);
  }

  /** Returns the same with a tokenizer's values: the number of its ids, and the special ones. */
  public HfModel withTokenizer(
      int rows, @Nullable Integer bos, List<Integer> eos, @Nullable Integer pad) {
    return new HfModel(shape.withVocabSize(rows), bos, eos, pad);
  }
}
