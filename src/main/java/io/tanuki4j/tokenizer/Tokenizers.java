package io.tanuki4j.tokenizer;

/** Opens the tokenizer that a configuration names. */
public final class Tokenizers {
  private Tokenizers() {}

  /**
   * Opens it.
   *
   * @throws IllegalArgumentException if an option does not fit the type, or the model cannot be
   *     read
   * @throws io.tanuki4j.error.UserException likewise
   * @throws java.io.UncheckedIOException if a native library cannot be loaded
   */
  public static Tokenizer open(TokenizerConfig config) {
    return config.type().open(config);
  }
}
