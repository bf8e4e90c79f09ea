package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;

/** Opens Megatron's tokenizers for SentencePiece models. */
final class SentencePieceTokenizers {
  private SentencePieceTokenizers() {}

  static Tokenizer megatron(TokenizerConfig config) {
    return config.legacySpecialTokens()
        ? new SentencePieceTokenizer(model(config), config.vocabExtraIds())
        : plain(config);
  }

  static Tokenizer plain(TokenizerConfig config) {
    return PlainSentencePieceTokenizer.gpt(plainModel(config));
  }

  static Tokenizer llama2(TokenizerConfig config) {
    return PlainSentencePieceTokenizer.llama2(plainModel(config));
  }

  private static SentencePieceModel plainModel(TokenizerConfig config) {
    if (config.vocabExtraIds() != 0) {
      throw new UserException(
          "--vocab-extra-ids: %d (expected: 0; only SentencePieceTokenizer with its legacy special"
                  .formatted(config.vocabExtraIds())
              + " tokens adds ids). Leave the flag out.");
    }
    return model(config);
  }

  private static SentencePieceModel model(TokenizerConfig config) {
    return SentencePieceModel.read(TokenizerFiles.model(config));
  }
}
