package io.tanuki4j.tokenizer;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * @param type Megatron's name, for example {@code SentencePieceTokenizer}
 * @param model the .model file; null for NullTokenizer
 * @param vocabSize of the NullTokenizer; null otherwise
 * @param vocabExtraIds number of {@code <extra_id_k>} appended
 * @param legacySpecialTokens SentencePieceTokenizer only: append {@code <CLS>}, {@code <SEP>},
 *     {@code <EOD>}, {@code <MASK>} … and end documents with {@code <EOD>}, as Megatron did until
 *     2026; otherwise the plain model, documents end with its eos
 * @param makeVocabSizeDivisibleBy the padded vocabulary is a multiple of this times tp
 */
public record TokenizerConfig(
    String type,
    @Nullable Path model,
    @Nullable Integer vocabSize,
    int vocabExtraIds,
    boolean legacySpecialTokens,
    int makeVocabSizeDivisibleBy) {

  /** The smallest multiple of {@code makeVocabSizeDivisibleBy · tpDegree} that holds the ids. */
  public int paddedVocabSize(int vocabSize, int tpDegree) {
    int multiple = makeVocabSizeDivisibleBy * tpDegree;
    return (vocabSize + multiple - 1) / multiple * multiple;
  }
}
