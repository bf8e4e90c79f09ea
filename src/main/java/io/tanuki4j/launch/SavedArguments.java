package io.tanuki4j.launch;

import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.tokenizer.TokenizerConfig;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The arguments that a checkpoint keeps, under Megatron's attribute names, as the configurations of
 * its model and tokenizer.
 *
 * @param source the checkpoint, for messages
 */
record SavedArguments(Path source, Map<String, ?> values) {
  private static final double DEFAULT_ROPE_BASE = 10_000;
  private static final double DEFAULT_EPSILON = 1e-5;

  /** The shape of the model; how it was initialised and trained is left out. */
  ModelConfig model() {
    int heads = integer("num_attention_heads");
    int hidden = integer("hidden_size");
    int seqLength = integer("seq_length");
    boolean grouped = Boolean.TRUE.equals(values.get("group_query_attention"));
    return new ModelConfig(
        integer("num_layers"),
        hidden,
        integer("ffn_hidden_size"),
        heads,
        grouped ? integer("num_query_groups") : heads,
        values.get("kv_channels") == null ? hidden / heads : integer("kv_channels"),
        integer("padded_vocab_size"),
        seqLength,
        values.get("max_position_embeddings") == null
            ? seqLength
            : integer("max_position_embeddings"),
        number("rope_theta", number("rotary_base", DEFAULT_ROPE_BASE)),
        number("rotary_percent", 1),
        number("rotary_seq_len_interpolation_factor", 1),
        Boolean.TRUE.equals(values.get("use_rope_scaling"))
            ? (Double) number("rope_scaling_factor", 8)
            : null,
        number("norm_epsilon", DEFAULT_EPSILON),
        !Boolean.TRUE.equals(values.get("untie_embeddings_and_output_weights")),
        0,
        0,
        ModelConfig.Recompute.NONE);
  }

  /**
   * @param model a .model file in place of the saved one; null for the saved one
   */
  TokenizerConfig tokenizer(@Nullable Path model) {
    String type = values.get("tokenizer_type") instanceof String name ? name : "";
    if (type.isEmpty()) {
      type = "SentencePieceTokenizer";
    }
    String savedModel = values.get("tokenizer_model") instanceof String path ? path : null;
    return new TokenizerConfig(
        type,
        model == null && savedModel != null ? Path.of(savedModel) : model,
        values.get("vocab_size") == null ? null : (Integer) integer("vocab_size"),
        values.get("vocab_extra_ids") == null ? 0 : integer("vocab_extra_ids"),
        !Boolean.FALSE.equals(values.get("tokenizer_sentencepiece_legacy")),
        1);
  }

  private int integer(String name) {
    if (values.get(name) instanceof Number number) {
      return number.intValue();
    }
    throw new IllegalArgumentException(
        "%s: its argument %s is %s (expected: a number). Its manifest is damaged or foreign."
            .formatted(source, name, values.get(name)));
  }

  private double number(String name, double otherwise) {
    return values.get(name) instanceof Number number ? number.doubleValue() : otherwise;
  }
}
