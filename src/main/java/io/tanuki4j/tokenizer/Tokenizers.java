package io.tanuki4j.tokenizer;

/** Opens the tokenizer that a configuration names. */
public final class Tokenizers {
  private Tokenizers() {}

  /**
   * @throws IllegalArgumentException if the type is unknown, an option does not fit it, or the
   *     model cannot be read
   * @throws java.io.UncheckedIOException if SentencePiece's native library cannot be loaded
   */
  public static Tokenizer open(TokenizerConfig config) {
    return switch (config.type()) {
      case "SentencePieceTokenizer" -> sentencePiece(config);
      case "GPTSentencePieceTokenizer" -> PlainSentencePieceTokenizer.gpt(plainModel(config));
      case "Llama2Tokenizer" -> PlainSentencePieceTokenizer.llama2(plainModel(config));
      case "NullTokenizer" -> nullTokenizer(config);
      default ->
          throw new IllegalArgumentException(
              "--tokenizer-type: %s (expected: SentencePieceTokenizer, GPTSentencePieceTokenizer,"
                      .formatted(config.type())
                  + " Llama2Tokenizer or NullTokenizer). Convert other vocabularies to a"
                  + " SentencePiece model.");
    };
  }

  private static Tokenizer sentencePiece(TokenizerConfig config) {
    return config.legacySpecialTokens()
        ? new SentencePieceTokenizer(model(config), config.vocabExtraIds())
        : PlainSentencePieceTokenizer.gpt(plainModel(config));
  }

  private static SentencePieceModel plainModel(TokenizerConfig config) {
    if (config.vocabExtraIds() != 0) {
      throw new IllegalArgumentException(
          "--vocab-extra-ids: %d (expected: 0; only SentencePieceTokenizer with its legacy special"
                  .formatted(config.vocabExtraIds())
              + " tokens adds ids). Leave the flag out.");
    }
    return model(config);
  }

  private static SentencePieceModel model(TokenizerConfig config) {
    if (config.model() == null) {
      throw new IllegalArgumentException(
          "--tokenizer-model: not given (expected: a SentencePiece .model file for --tokenizer-type"
              + " %s). Name one.".formatted(config.type()));
    }
    return SentencePieceModel.read(config.model());
  }

  private static Tokenizer nullTokenizer(TokenizerConfig config) {
    Integer vocabSize = config.vocabSize();
    if (vocabSize == null || vocabSize < 1 || vocabSize == Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "--vocab-size: %s (expected: a number of ids above 0 for --tokenizer-type NullTokenizer)."
                  .formatted(vocabSize == null ? "not given" : vocabSize)
              + " Give one.");
    }
    return new NullTokenizer(vocabSize);
  }
}
