package io.tanuki4j.flags;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.config.Problems;
import io.tanuki4j.tokenizer.TokenizerConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link TokenizerConfig}. */
public final class TokenizerOptions {
  private static final String NULL_TOKENIZER = "NullTokenizer";
  private static final List<String> TYPES =
      List.of(
          "SentencePieceTokenizer", "GPTSentencePieceTokenizer", "Llama2Tokenizer", NULL_TOKENIZER);

  @Option(
      names = "--tokenizer-type",
      paramLabel = "TYPE",
      description =
          "SentencePieceTokenizer, GPTSentencePieceTokenizer, Llama2Tokenizer or NullTokenizer.")
  @Nullable String tokenizerType;

  @Option(
      names = "--tokenizer-model",
      paramLabel = "FILE",
      description = "SentencePiece's .model file.")
  @Nullable Path tokenizerModel;

  @Option(
      names = "--vocab-size",
      paramLabel = "N",
      description = "Of the NullTokenizer: ids 0 to N, N ends a document.")
  @Nullable Integer vocabSize;

  @Option(
      names = "--vocab-extra-ids",
      paramLabel = "N",
      description = "Ids <extra_id_k> appended to the vocabulary.")
  int vocabExtraIds;

  @Option(
      names = "--make-vocab-size-divisible-by",
      paramLabel = "N",
      description = "The embedding has a multiple of N rows.")
  int makeVocabSizeDivisibleBy = 128;

  @Option(
      names = "--no-tokenizer-sentencepiece-legacy",
      description =
          "SentencePieceTokenizer adds no <CLS>, <SEP>, <EOD>, <MASK>; documents end with eos.")
  boolean tokenizerSentencepieceLegacy = true;

  /** A run without text needs ids only. */
  void deriveWithoutText(@Nullable Integer paddedVocabSize) {
    if (tokenizerType == null) {
      tokenizerType = NULL_TOKENIZER;
    }
    if (tokenizerType.equals(NULL_TOKENIZER) && vocabSize == null && paddedVocabSize != null) {
      vocabSize = paddedVocabSize - 1; // and one that ends documents
    }
  }

  /** Reports what is wrong with the flags. */
  public void check(Problems problems) {
    String choices = "one of " + String.join(", ", TYPES);
    problems.required(
        "--tokenizer-type",
        tokenizerType,
        choices,
        "Add --tokenizer-type SentencePieceTokenizer and --tokenizer-model FILE.");
    problems.notNegative("--vocab-extra-ids", vocabExtraIds, "Leave it out for none.");
    problems.positive(
        "--make-vocab-size-divisible-by", makeVocabSizeDivisibleBy, "Megatron uses 128.");
    if (tokenizerType == null) {
      return;
    }
    if (!TYPES.contains(tokenizerType)) {
      String remedy = "Others are not built; convert the model to SentencePiece.";
      problems.add("--tokenizer-type", tokenizerType, choices, remedy);
    } else if (tokenizerType.equals(NULL_TOKENIZER)) {
      checkNullTokenizer(problems);
    } else {
      checkModel(tokenizerType, problems);
    }
  }

  private void checkNullTokenizer(Problems problems) {
    problems.required(
        "--vocab-size",
        vocabSize,
        "an integer, since the tokenizer is NullTokenizer",
        "Add --vocab-size with the largest id of a document's text plus 1.");
    problems.positive("--vocab-size", vocabSize, "Write 1 or more.");
    if (tokenizerModel != null) {
      problems.add(
          "--tokenizer-model", tokenizerModel, "not given with NullTokenizer", "Leave it out.");
    }
  }

  private void checkModel(String type, Problems problems) {
    problems.required(
        "--tokenizer-model",
        tokenizerModel,
        "a .model file, since the tokenizer is " + type,
        "Add --tokenizer-model FILE.");
    if (tokenizerModel != null && !Files.isRegularFile(tokenizerModel)) {
      String remedy = FileNames.question(tokenizerModel, ".model", false, "Check the path.");
      problems.add("--tokenizer-model", tokenizerModel, "a file that exists", remedy);
    }
    if (vocabSize != null) {
      problems.add(
          "--vocab-size",
          vocabSize,
          "not given with " + type,
          "Leave it out: the model has its own size.");
    }
    if (!tokenizerSentencepieceLegacy && !type.equals("SentencePieceTokenizer")) {
      problems.add(
          "--no-tokenizer-sentencepiece-legacy",
          "given",
          "not given with " + type,
          "Leave it out: only SentencePieceTokenizer adds tokens.");
    }
  }

  /** The configuration of flags that {@link #check} found right. */
  public TokenizerConfig toConfig() {
    return new TokenizerConfig(
        requireNonNull(tokenizerType),
        tokenizerModel,
        vocabSize,
        vocabExtraIds,
        tokenizerSentencepieceLegacy,
        makeVocabSizeDivisibleBy);
  }
}
