package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;

/** Opens the tokenizer that a configuration names. */
public final class Tokenizers {
  private Tokenizers() {}

  /**
   * Opens a tokenizer.
   *
   * @throws UserException if an option does not fit the type, or the model cannot be read
   * @throws java.io.UncheckedIOException if a native library cannot be loaded
   */
  public static Tokenizer open(TokenizerConfig config) {
    return config.type().open(config);
  }
}
