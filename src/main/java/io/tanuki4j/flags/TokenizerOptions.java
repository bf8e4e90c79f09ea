package io.tanuki4j.flags;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.config.Problems;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.TokenizerConfig.TikTokens;
import io.tanuki4j.tokenizer.TokenizerType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link TokenizerConfig}. */
public final class TokenizerOptions {
  /** Megatron's default, if the user names no tokenizer but gives GPT-2's files. */
  private static final TokenizerType DEFAULT = TokenizerType.GPT2_BPE;

  @Option(
      names = "--tokenizer-type",
      paramLabel = "TYPE",
      description =
          "SentencePieceTokenizer, GPTSentencePieceTokenizer, Llama2Tokenizer, Llama3Tokenizer,"
              + " HuggingFaceTokenizer, GPT2BPETokenizer, QwenTokenizer, TikTokenizer or NullTokenizer"
              + " (default: GPT2BPETokenizer if --vocab-file and --merge-file are given).")
  @Nullable String tokenizerType;

  @Option(
      names = "--tokenizer-model",
      paramLabel = "FILE",
      description =
          "SentencePiece's .model file; a folder with tokenizer.json, or that file, for"
              + " HuggingFaceTokenizer and Llama3Tokenizer; the list of tokens for TikTokenizer.")
  @Nullable Path tokenizerModel;

  @Option(
      names = "--patch-tokenizer-type",
      paramLabel = "TYPE",
      description =
          "Takes HuggingFaceTokenizer, as Pai-Megatron-Patch does, with the folder of"
              + " --tokenizer-model, or of --load.")
  @Nullable String patchTokenizerType;

  @Option(
      names = "--vocab-file",
      paramLabel = "FILE",
      description = "vocab.json of GPT2BPETokenizer and QwenTokenizer; no effect with others.")
  @Nullable Path vocabFile;

  @Option(
      names = "--merge-file",
      paramLabel = "FILE",
      description = "merges.txt of GPT2BPETokenizer and QwenTokenizer; no effect with others.")
  @Nullable Path mergeFile;

  @Option(
      names = "--vocab-size",
      paramLabel = "N",
      description =
          "NullTokenizer: ids 0 to N, N ends a document. TikTokenizer: number of ids (default:"
              + " 131072). No effect with others, whose files say it.")
  @Nullable Integer vocabSize;

  @Option(
      names = "--tiktoken-pattern",
      paramLabel = "v1|v2",
      description =
          "What cuts texts for TikTokenizer (default: ${DEFAULT-VALUE}); no effect with others.")
  String tiktokenPattern = TikTokens.DEFAULT.pattern();

  @Option(
      names = "--tiktoken-num-special-tokens",
      paramLabel = "N",
      description =
          "Ids of TikTokenizer in front of those of its file (default: ${DEFAULT-VALUE}); no effect"
              + " with others.")
  int tiktokenNumSpecialTokens = TikTokens.DEFAULT.numSpecial();

  @Option(
      names = "--tokenizer-special-tokens",
      paramLabel = "TOKEN",
      arity = "1..*",
      description = "The first special tokens of TikTokenizer (default: <unk> <s> </s>).")
  List<String> tokenizerSpecialTokens = TikTokens.DEFAULT.special();

  @Option(
      names = "--vocab-extra-ids",
      paramLabel = "N",
      description = "Ids <extra_id_k> appended to the vocabulary.")
  int vocabExtraIds;

  @Option(
      names = "--extra-vocab-size",
      paramLabel = "N",
      description =
          "Gives the embedding N rows more than tokenizer.json has tokens, added ones not counted,"
              + " and no padding, as Pai-Megatron-Patch does; with --patch-tokenizer-type.")
  int extraVocabSize;

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

  private @Nullable Path unknownVocabulary;

  /**
   * Sets a tokenizer of ids only, for a run without text. Needs no file if their number is given.
   *
   * @param isPlan needs no file in any case: without the number, the smallest vocabulary is set
   */
  void deriveWithoutText(@Nullable Integer paddedVocabSize, boolean isPlan) {
    derive();
    Integer ids = paddedVocabSize == null ? vocabSize : paddedVocabSize;
    Optional<Path> missing = missingFile();
    if (missing.isPresent() && (ids != null || isPlan)) {
      unknownVocabulary = ids == null ? missing.get() : null;
      vocabSize = ids == null ? 1 : ids - 1; // and one that ends documents
      tokenizerModel = null;
      tokenizerType = null;
    }
    if (tokenizerType == null) {
      tokenizerType = TokenizerType.NULL.megatronName();
    }
    if (isNull() && vocabSize == null && paddedVocabSize != null) {
      vocabSize = paddedVocabSize - 1; // and one that ends documents
    }
  }

  /**
   * Returns the file that would say how many ids there are, if it does not exist and no flag says
   * it.
   */
  Optional<Path> unknownVocabulary() {
    return Optional.ofNullable(unknownVocabulary);
  }

  /**
   * Takes the tokenizer of Pai-Megatron-Patch, which lies with the checkpoint.
   *
   * @param load the folder that the run starts from
   */
  void derivePatch(@Nullable Path load) {
    if (patchTokenizerType != null && tokenizerType == null) {
      tokenizerType = TokenizerType.HUGGING_FACE.megatronName();
      tokenizerModel = tokenizerModel == null ? load : tokenizerModel;
    }
    if (patchTokenizerType != null && extraVocabSize > 0) {
      makeVocabSizeDivisibleBy = 1;
    }
  }

  /** Sets Megatron's default if the user gave files for it. */
  private void derive() {
    if (tokenizerType == null && vocabFile != null && mergeFile != null) {
      tokenizerType = DEFAULT.megatronName();
    }
  }

  /** Returns a file that the tokenizer is read from, if it is named but does not exist. */
  private Optional<Path> missingFile() {
    if (tokenizerType == null || !TokenizerType.isKnown(tokenizerType)) {
      return Optional.empty();
    }
    TokenizerType.Source source = TokenizerType.named(tokenizerType).source();
    List<@Nullable Path> files =
        source == TokenizerType.Source.VOCABULARY_AND_MERGES
            ? Arrays.asList(vocabFile, mergeFile)
            : Arrays.asList(tokenizerModel);
    boolean named = source != TokenizerType.Source.NUMBER && !files.contains(null);
    return named
        ? files.stream().map(Objects::requireNonNull).filter(f -> !Files.exists(f)).findFirst()
        : Optional.empty();
  }

  private boolean isNull() {
    return TokenizerType.NULL.megatronName().equals(tokenizerType);
  }

  /** Reports what is wrong with the flags. */
  public void check(Problems problems) {
    derive();
    String choices = "one of " + TokenizerType.names();
    problems.required(
        "--tokenizer-type",
        tokenizerType,
        choices,
        "Add --tokenizer-type SentencePieceTokenizer and --tokenizer-model FILE.");
    problems.notNegative("--vocab-extra-ids", vocabExtraIds, "Leave it out for none.");
    problems.notNegative("--extra-vocab-size", extraVocabSize, "Leave it out for none.");
    if (extraVocabSize > 0 && patchTokenizerType == null) {
      problems.add(
          "--extra-vocab-size",
          extraVocabSize,
          "together with --patch-tokenizer-type",
          "Leave it out and write --padded-vocab-size with the rows of the embedding.");
    }
    problems.positive(
        "--make-vocab-size-divisible-by", makeVocabSizeDivisibleBy, "Megatron uses 128.");
    if (tokenizerType == null) {
      return;
    }
    if (!TokenizerType.isKnown(tokenizerType)) {
      String remedy = "Others are not built; give a tokenizer.json with HuggingFaceTokenizer.";
      problems.add("--tokenizer-type", tokenizerType, choices, remedy);
      return;
    }
    TokenizerType type = TokenizerType.named(tokenizerType);
    switch (type.source()) {
      case NUMBER -> checkNullTokenizer(problems);
      case VOCABULARY_AND_MERGES -> checkFiles(type, problems);
      case SENTENCE_PIECE, FOLDER, TOKEN_LIST -> checkModel(type, problems);
    }
    checkTikTokens(type, problems);
    checkLegacy(type, problems);
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

  private void checkFiles(TokenizerType type, Problems problems) {
    checkFile("--vocab-file", vocabFile, "vocab.json", type, problems);
    checkFile("--merge-file", mergeFile, "merges.txt", type, problems);
  }

  private static void checkFile(
      String flag, @Nullable Path file, String name, TokenizerType type, Problems problems) {
    problems.required(
        flag,
        file,
        "%s, since the tokenizer is %s".formatted(name, type),
        "Add %s FILE, or name another --tokenizer-type.".formatted(flag));
    if (file != null && !Files.isRegularFile(file)) {
      problems.add(flag, file, "a file that exists", "Check the path.");
    }
  }

  private void checkModel(TokenizerType type, Problems problems) {
    problems.required(
        "--tokenizer-model",
        tokenizerModel,
        "%s, since the tokenizer is %s".formatted(type.source().words(), type),
        "Add --tokenizer-model FILE.");
    if (tokenizerModel == null) {
      return;
    }
    if (type.source() == TokenizerType.Source.FOLDER) {
      if (!Files.exists(tokenizerModel)) {
        String remedy =
            "Names of the hub are not fetched; download the tokenizer and give its folder.";
        problems.add("--tokenizer-model", tokenizerModel, type.source().words(), remedy);
      }
    } else if (!Files.isRegularFile(tokenizerModel)) {
      String suffix = type.source() == TokenizerType.Source.TOKEN_LIST ? ".json" : ".model";
      String remedy = FileNames.question(tokenizerModel, suffix, false, "Check the path.");
      problems.add("--tokenizer-model", tokenizerModel, "a file that exists", remedy);
    }
  }

  private void checkTikTokens(TokenizerType type, Problems problems) {
    if (type == TokenizerType.TIK_TOKEN) {
      problems.oneOf("--tiktoken-pattern", tiktokenPattern, List.of("v1", "v2"));
      problems.positive(
          "--tiktoken-num-special-tokens", tiktokenNumSpecialTokens, "Megatron uses 1000.");
      problems.positive("--vocab-size", vocabSize, "Megatron uses 131072.");
    }
  }

  private void checkLegacy(TokenizerType type, Problems problems) {
    if (!tokenizerSentencepieceLegacy && type != TokenizerType.SENTENCE_PIECE) {
      problems.add(
          "--no-tokenizer-sentencepiece-legacy",
          "given",
          "not given with " + type,
          "Leave it out: only SentencePieceTokenizer adds tokens.");
    }
  }

  /** Returns the configuration of flags that {@link #check} has accepted. */
  public TokenizerConfig toConfig() {
    TokenizerType type = TokenizerType.named(requireNonNull(tokenizerType));
    return new TokenizerConfig(
        type,
        new TokenizerConfig.Files(tokenizerModel, vocabFile, mergeFile),
        vocabSize,
        type == TokenizerType.HUGGING_FACE ? extraVocabSize : vocabExtraIds,
        tokenizerSentencepieceLegacy,
        makeVocabSizeDivisibleBy,
        new TikTokens(tiktokenPattern, tiktokenNumSpecialTokens, tokenizerSpecialTokens));
  }
}
