package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The tokenizers, under Megatron's names. This is the one place to add a new one. */
public enum TokenizerType {
  SENTENCE_PIECE(
      "SentencePieceTokenizer", Source.SENTENCE_PIECE, SentencePieceTokenizers::megatron),
  GPT_SENTENCE_PIECE(
      "GPTSentencePieceTokenizer", Source.SENTENCE_PIECE, SentencePieceTokenizers::plain),
  LLAMA2("Llama2Tokenizer", Source.SENTENCE_PIECE, SentencePieceTokenizers::llama2),
  LLAMA3("Llama3Tokenizer", Source.FOLDER, Llama3Tokens::open),
  HUGGING_FACE("HuggingFaceTokenizer", Source.FOLDER, HuggingFaceFolder::open),
  GPT2_BPE("GPT2BPETokenizer", Source.VOCABULARY_AND_MERGES, Gpt2Tokens::open),
  QWEN("QwenTokenizer", Source.VOCABULARY_AND_MERGES, QwenTokens::open),
  TIK_TOKEN("TikTokenizer", Source.TOKEN_LIST, TikTokenList::open),
  NULL("NullTokenizer", Source.NUMBER, NullTokenizer::open);

  /** What a tokenizer is read from. */
  public enum Source {
    /** A .model file of SentencePiece, as {@code --tokenizer-model}. */
    SENTENCE_PIECE("a SentencePiece .model file"),

    /** A folder with tokenizer.json, or that file, as {@code --tokenizer-model}. */
    FOLDER("a folder with tokenizer.json, or that file"),

    /** A list of tokens in JSON, as {@code --tokenizer-model}. */
    TOKEN_LIST("a .json file with the tokens"),

    /** {@code --vocab-file} and {@code --merge-file}. */
    VOCABULARY_AND_MERGES("vocab.json and merges.txt"),

    /** {@code --vocab-size}. */
    NUMBER("a number of ids");

    private final String words;

    Source(String words) {
      this.words = words;
    }

    /** Describes it for messages. */
    public String words() {
      return words;
    }

    /** Returns whether {@code --tokenizer-model} names it. */
    public boolean isModel() {
      return this == SENTENCE_PIECE || this == FOLDER || this == TOKEN_LIST;
    }
  }

  private final String megatronName;
  private final Source source;
  private final Function<TokenizerConfig, Tokenizer> opener;

  TokenizerType(String megatronName, Source source, Function<TokenizerConfig, Tokenizer> opener) {
    this.megatronName = megatronName;
    this.source = source;
    this.opener = opener;
  }

  /** Returns Megatron's name. */
  public String megatronName() {
    return megatronName;
  }

  /** Returns what it is read from. */
  public Source source() {
    return source;
  }

  Tokenizer open(TokenizerConfig config) {
    return opener.apply(config);
  }

  /** Returns all names, for messages. */
  public static String names() {
    return Arrays.stream(values()).map(type -> type.megatronName).collect(Collectors.joining(", "));
  }

  /** Returns whether a type has this name. */
  public static boolean isKnown(String name) {
    return Arrays.stream(values()).anyMatch(type -> type.megatronName.equals(name));
  }

  /**
   * Returns the type of a name.
   *
   * @throws UserException if there is none
   */
  public static TokenizerType named(String name) {
    return Arrays.stream(values())
        .filter(type -> type.megatronName.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new UserException(
                    "--tokenizer-type: %s (expected: one of %s). Choose one of them."
                        .formatted(name, names())));
  }

  @Override
  public String toString() {
    return megatronName;
  }
}
