package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Names a tokenizer.
 *
 * @param vocabSize number of ids, of NullTokenizer and TikTokenizer; null otherwise
 * @param vocabExtraIds number of {@code <extra_id_k>} appended; of HuggingFaceTokenizer, the rows
 *     of the embedding after those of its model, which hold its added tokens
 * @param legacySpecialTokens SentencePieceTokenizer only: append {@code <CLS>}, {@code <SEP>},
 *     {@code <EOD>}, {@code <MASK>} … and end documents with {@code <EOD>}, as Megatron did until
 *     2026; otherwise the plain model, documents end with its eos
 * @param makeVocabSizeDivisibleBy the padded vocabulary is a multiple of this times tp
 */
public record TokenizerConfig(
    TokenizerType type,
    Files files,
    @Nullable Integer vocabSize,
    int vocabExtraIds,
    boolean legacySpecialTokens,
    int makeVocabSizeDivisibleBy,
    TikTokens tikTokens) {
  private static final long MAX_VOCABULARY = 1 << 26;

  /**
   * The files of a tokenizer.
   *
   * @param model a SentencePiece model, a folder of Hugging Face, or a list of tokens
   * @param vocabulary GPT-2's {@code vocab.json}
   * @param merges GPT-2's {@code merges.txt}
   */
  public record Files(@Nullable Path model, @Nullable Path vocabulary, @Nullable Path merges) {}

  /**
   * Rules of TikTokenizer.
   *
   * @param pattern Megatron's name of the pattern that cuts texts, {@code v1} or {@code v2}
   * @param numSpecial number of ids before those of the file
   * @param special the first of them; empty for Megatron's three
   */
  public record TikTokens(String pattern, int numSpecial, List<String> special) {
    /** Megatron's defaults. */
    public static final TikTokens DEFAULT = new TikTokens("v2", 1000, List.of());
  }

  /**
   * Names a tokenizer of one file.
   *
   * @param type Megatron's name
   * @throws io.tanuki4j.error.UserException if there is no such type
   */
  public TokenizerConfig(
      String type,
      @Nullable Path model,
      @Nullable Integer vocabSize,
      int vocabExtraIds,
      boolean legacySpecialTokens,
      int makeVocabSizeDivisibleBy) {
    this(
        TokenizerType.named(type),
        new Files(model, null, null),
        vocabSize,
        vocabExtraIds,
        legacySpecialTokens,
        makeVocabSizeDivisibleBy,
        TikTokens.DEFAULT);
  }

  /** Returns where the model is; null for a tokenizer without a model. */
  public @Nullable Path model() {
    return files.model;
  }

  /** Returns whether it has the files that its type needs. */
  public boolean hasFiles() {
    return type.source() == TokenizerType.Source.VOCABULARY_AND_MERGES
        ? files.vocabulary != null && files.merges != null
        : type.source().isModel() && files.model != null;
  }

  /** Returns the same with another number of {@code <extra_id_k>}. */
  public TokenizerConfig withExtraIds(int number) {
    return new TokenizerConfig(
        type, files, vocabSize, number, legacySpecialTokens, makeVocabSizeDivisibleBy, tikTokens);
  }

  /**
   * Returns the smallest multiple of {@code makeVocabSizeDivisibleBy · tpDegree} that holds the
   * ids.
   *
   * @throws UserException if it is too large for an embedding
   */
  public int paddedVocabSize(int vocabSize, int tpDegree) {
    long multiple = (long) makeVocabSizeDivisibleBy * tpDegree;
    long padded = (vocabSize + multiple - 1) / multiple * multiple;
    if (padded > MAX_VOCABULARY) {
      throw new UserException(
          "--make-vocab-size-divisible-by: %d (expected: a padded vocabulary of at most %d, but it has %d). Megatron uses 128."
              .formatted(makeVocabSizeDivisibleBy, MAX_VOCABULARY, padded));
    }
    return (int) padded;
  }
}
