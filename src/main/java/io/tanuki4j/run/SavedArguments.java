package io.tanuki4j.run;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.model.MegatronArguments;
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
  /** Returns those of a checkpoint. */
  public static SavedArguments of(Checkpoint checkpoint) {
    return new SavedArguments(checkpoint.folder().toString(), checkpoint.state().arguments());
  }

  /** Returns the shape of the model. */
  public MegatronArguments shape() {
    return new MegatronArguments(source, values);
  }

  /**
   * Returns the tokenizer.
   *
   * @param model a .model file in place of the saved one; null for the saved one
   */
  public TokenizerConfig tokenizer(@Nullable Path model) {
    String savedModel = values.get("tokenizer_model") instanceof String path ? path : null;
    return new TokenizerConfig(
        values.get("tokenizer_type") instanceof String type ? type : "SentencePieceTokenizer",
        model == null && savedModel != null ? Path.of(savedModel) : model,
        values.get("vocab_size") == null ? null : (Integer) shape().size("vocab_size", null),
        values.get("vocab_extra_ids") instanceof Number number ? number.intValue() : 0,
        !Boolean.FALSE.equals(values.get("tokenizer_sentencepiece_legacy")),
        1);
  }
}
