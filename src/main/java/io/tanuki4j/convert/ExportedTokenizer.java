package io.tanuki4j.convert;

import io.tanuki4j.convert.huggingface.HfModel;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.run.SavedArguments;
import io.tanuki4j.tokenizer.HuggingFaceFiles;
import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.TokenizerType;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a Hugging Face folder says about a model's tokenizer.
 *
 * @param exported with the ids of the special tokens
 * @param files contents by name; empty if no tokenizer is known
 * @param told tells the user what happened to the tokenizer
 */
public record ExportedTokenizer(HfModel exported, Map<String, byte[]> files, String told) {
  /**
   * Returns the first that exists: the tokenizer of the flags, the files that came with the model,
   * or the tokenizer that its checkpoint was trained with.
   *
   * @throws UserException if the tokenizer cannot be read, has more ids than the model has rows, or
   *     would have other ids in transformers
   */
  public static ExportedTokenizer of(ConvertOptions options, ConversionSource model)
      throws IOException {
    HfModel stored = model.model();
    HfModel exported =
        stored.withTokenizer(model.vocabSize(), stored.bosId(), stored.eosIds(), stored.padId());
    if (options.tokenizerModel == null && options.tokenizerType == null) {
      HuggingFaceFiles carried = ForeignFormats.named(options.loader()).tokenizer(options, model);
      if (!carried.isEmpty()) {
        return new ExportedTokenizer(exported, carried.contents(), "as it came");
      }
    }
    TokenizerConfig known = known(options, model);
    if (known == null) {
      return new ExportedTokenizer(
          exported, Map.of(), "not written (none is known; --tokenizer-model gives one)");
    }
    try (Tokenizer tokenizer = Tokenizers.open(known)) {
      requireFits(tokenizer, known, exported);
      return of(
          tokenizer.toHuggingFace(
              exported.shape().sizes().maxPositionEmbeddings(), !options.noChecking),
          exported);
    }
  }

  /**
   * Opens the tokenizer of the flags, so that an unreadable one is reported at once.
   *
   * @throws UserException if it cannot be read
   */
  public static void check(ConvertOptions options, ConversionSource model) {
    if (options.tokenizerModel != null) {
      TokenizerConfig config = config(options, model);
      requireFile(config, "--tokenizer-model");
      Tokenizers.open(config).close();
    }
  }

  private static ExportedTokenizer of(HuggingFaceFiles files, HfModel exported) {
    Roles roles = files.roles();
    Integer eos = roles.eos();
    return new ExportedTokenizer(
        exported.withTokenizer(
            exported.vocabSize(), roles.bos(), eos == null ? List.of() : List.of(eos), roles.pad()),
        files.contents(),
        "written");
  }

  private static @Nullable TokenizerConfig known(ConvertOptions options, ConversionSource model) {
    boolean typeIsKnown =
        options.tokenizerType != null || model.arguments().get("tokenizer_type") instanceof String;
    if (options.tokenizerModel != null && !typeIsKnown) {
      throw new UserException(
          "--tokenizer-type: not given, and the checkpoint does not know it (expected: one of %s). Give one."
              .formatted(TokenizerType.names()));
    }
    TokenizerConfig config = config(options, model);
    if (!config.hasFiles()) {
      return null;
    }
    requireFile(
        config,
        options.tokenizerModel == null ? "the checkpoint's tokenizer" : "--tokenizer-model");
    return config;
  }

  private static TokenizerConfig config(ConvertOptions options, ConversionSource model) {
    TokenizerConfig saved =
        new SavedArguments(options.loadDir().toString(), model.arguments())
            .tokenizer(options.tokenizerType, options.tokenizerModel);
    Integer extraIds = options.vocabExtraIds;
    return extraIds == null ? saved : saved.withExtraIds(extraIds);
  }

  private static void requireFile(TokenizerConfig config, String source) {
    Path model = config.model();
    if (model != null && !Files.exists(model)) {
      throw new UserException(
          "%s: %s (expected: a file that exists). Give it with --tokenizer-model."
              .formatted(source, model));
    }
  }

  private static void requireFits(Tokenizer tokenizer, TokenizerConfig known, HfModel exported) {
    if (tokenizer.vocabSize() > exported.vocabSize()) {
      throw new UserException(
          ("--tokenizer-model: %s has %d ids with %s (expected: at most the model's vocabulary of"
                  + " %d). Give the model's own tokenizer.")
              .formatted(known.model(), tokenizer.vocabSize(), known.type(), exported.vocabSize()));
    }
  }
}
