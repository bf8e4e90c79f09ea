package io.tanuki4j.run;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.TokenizerConfig.TikTokens;
import io.tanuki4j.tokenizer.TokenizerType;
import java.nio.file.Path;
import java.util.List;
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
   * Returns the tokenizer that was saved.
   *
   * @param model a file or folder in place of the saved one; null for the saved one
   */
  public TokenizerConfig tokenizer(@Nullable Path model) {
    return tokenizer(null, model);
  }

  /**
   * Returns the tokenizer that was saved.
   *
   * @param type Megatron's name in place of the saved one; null for the saved one
   * @param model a file or folder in place of the saved one; null for the saved one
   */
  public TokenizerConfig tokenizer(@Nullable String type, @Nullable Path model) {
    TokenizerType kind =
        TokenizerType.named(type == null ? text("tokenizer_type", "SentencePieceTokenizer") : type);
    return new TokenizerConfig(
        kind,
        new TokenizerConfig.Files(
            model == null ? path("tokenizer_model") : model,
            path("vocab_file"),
            path("merge_file")),
        values.get("vocab_size") == null ? null : (Integer) shape().size("vocab_size", null),
        kind == TokenizerType.HUGGING_FACE ? 0 : number("vocab_extra_ids", 0),
        !Boolean.FALSE.equals(values.get("tokenizer_sentencepiece_legacy")),
        1,
        new TikTokens(
            text("tiktoken_pattern", TikTokens.DEFAULT.pattern()),
            number("tiktoken_num_special_tokens", TikTokens.DEFAULT.numSpecial()),
            texts("tokenizer_special_tokens")));
  }

  private int number(String name, int otherwise) {
    return values.get(name) instanceof Number number ? number.intValue() : otherwise;
  }

  private String text(String name, String otherwise) {
    return values.get(name) instanceof String text ? text : otherwise;
  }

  private @Nullable Path path(String name) {
    return values.get(name) instanceof String text ? Path.of(text) : null;
  }

  private List<String> texts(String name) {
    return values.get(name) instanceof List<?> list
        ? list.stream().map(String::valueOf).toList()
        : List.of();
  }
}
