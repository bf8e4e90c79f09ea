package io.tanuki4j.run;

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
public record SavedArguments(String source, Map<String, ? extends @Nullable Object> values) {
  /** The shape of the model, as it was saved. */
  public ModelConfig model() {
    return model(integer("padded_vocab_size", null));
  }

  /**
   * @param vocabSize rows of the vocabulary's tensors
   */
  public ModelConfig model(int vocabSize) {
    int heads = integer("num_attention_heads", null);
    int hidden = integer("hidden_size", null);
    int seqLength = integer("seq_length", null);
    return new ModelConfig(
        integer("num_layers", null),
        hidden,
        integer("ffn_hidden_size", null),
        heads,
        isSet("group_query_attention") ? integer("num_query_groups", null) : heads,
        integer("kv_channels", hidden / heads),
        vocabSize,
        seqLength,
        integer("max_position_embeddings", seqLength),
        number("rope_theta", number("rotary_base", 10_000)),
        number("rotary_percent", 1),
        number("rotary_seq_len_interpolation_factor", 1),
        isSet("use_rope_scaling") ? (Double) number("rope_scaling_factor", 8) : null,
        number("norm_epsilon", 1e-5),
        !isSet("untie_embeddings_and_output_weights"),
        number("init_method_std", 0.02),
        number("z_loss_strength", 0),
        ModelConfig.Recompute.NONE);
  }

  /**
   * @param model a .model file in place of the saved one; null for the saved one
   */
  public TokenizerConfig tokenizer(@Nullable Path model) {
    String savedModel = values.get("tokenizer_model") instanceof String path ? path : null;
    return new TokenizerConfig(
        values.get("tokenizer_type") instanceof String type ? type : "SentencePieceTokenizer",
        model == null && savedModel != null ? Path.of(savedModel) : model,
        values.get("vocab_size") == null ? null : (Integer) integer("vocab_size", null),
        integer("vocab_extra_ids", 0),
        !Boolean.FALSE.equals(values.get("tokenizer_sentencepiece_legacy")),
        1);
  }

  boolean isSet(String name) {
    return Boolean.TRUE.equals(values.get(name));
  }

  /**
   * @param otherwise null if there must be a number
   */
  public int integer(String name, @Nullable Integer otherwise) {
    if (values.get(name) instanceof Number number) {
      return number.intValue();
    }
    if (otherwise == null) {
      throw new IllegalArgumentException(
          "%s: its argument %s is %s (expected: a whole number)."
              .formatted(source, name, values.get(name)));
    }
    return otherwise;
  }

  double number(String name, double otherwise) {
    return values.get(name) instanceof Number number ? number.doubleValue() : otherwise;
  }
}
