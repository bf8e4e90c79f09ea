package io.tanuki4j.convert;

import io.tanuki4j.convert.huggingface.HfLlamaConfig;
import io.tanuki4j.convert.huggingface.HfTokenizerFiles;
import io.tanuki4j.convert.huggingface.HfUnigram;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.tokenizer.SentencePieceVocabulary;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a Hugging Face folder says of a model's tokenizer.
 *
 * @param config with the ids of the special tokens
 * @param files null if no tokenizer is given
 */
public record ExportedTokenizer(HfLlamaConfig config, @Nullable HfTokenizerFiles files) {
  private static final String LLAMA2 = "Llama2Tokenizer";
  private static final String PLAIN = "GPTSentencePieceTokenizer";

  /**
   * @throws IllegalArgumentException if the tokenizer cannot be read, or has more ids than the
   *     model has rows
   */
  public static ExportedTokenizer of(ConvertOptions options, ConversionSource model)
      throws IOException {
    HfLlamaConfig stored = model.config();
    HfLlamaConfig config =
        stored.withTokenizer(model.vocabSize(), stored.bosId(), stored.eosIds(), stored.padId());
    Path file = options.tokenizerModel;
    if (file == null) {
      return new ExportedTokenizer(config, null);
    }
    String type = type(options, model);
    try (Tokenizer tokenizer = open(type, file, options.vocabExtraIds)) {
      if (tokenizer.vocabSize() > config.vocabSize()) {
        throw new IllegalArgumentException(
            ("--tokenizer-model: %s has %d ids with %s (expected: at most the model's vocabulary of"
                    + " %d). Give the model's own tokenizer.")
                .formatted(file, tokenizer.vocabSize(), type, config.vocabSize()));
      }
      return of(tokenizer, type, file, config);
    }
  }

  private static String type(ConvertOptions options, ConversionSource model) {
    if (options.tokenizerType != null) {
      return options.tokenizerType;
    }
    if (model.arguments().get("tokenizer_type") instanceof String saved) {
      return saved;
    }
    throw new IllegalArgumentException(
        "--tokenizer-type: not given, and the checkpoint does not know it (expected:"
            + " SentencePieceTokenizer, GPTSentencePieceTokenizer or Llama2Tokenizer). Give one.");
  }

  private static Tokenizer open(String type, Path file, int vocabExtraIds) {
    return Tokenizers.open(new TokenizerConfig(type, file, null, vocabExtraIds, true, 1));
  }

  private static ExportedTokenizer of(
      Tokenizer tokenizer, String type, Path file, HfLlamaConfig config) throws IOException {
    List<String> pieces = tokenizer.pieces();
    Map<String, String> special = new LinkedHashMap<>();
    Map<String, Integer> ids = new LinkedHashMap<>();
    add(special, ids, "bos_token", pieces.indexOf("<s>"), pieces);
    add(special, ids, "eos_token", tokenizer.eodId(), pieces);
    add(special, ids, "unk_token", pieces.indexOf("<unk>"), pieces);
    add(special, ids, "pad_token", pieces.indexOf("<pad>"), pieces);
    HfTokenizerFiles files =
        new HfTokenizerFiles(
            file,
            unigram(file),
            type.equals(LLAMA2),
            special,
            added(file, pieces),
            config.maxPositionEmbeddings());
    return new ExportedTokenizer(
        config.withTokenizer(
            config.vocabSize(),
            ids.get("bos_token"),
            List.of(tokenizer.eodId()),
            ids.get("pad_token")),
        files);
  }

  /** Models of merges are left to transformers; so are rules of normalisation. */
  private static @Nullable HfUnigram unigram(Path file) throws IOException {
    SentencePieceVocabulary vocabulary = SentencePieceVocabulary.read(file);
    if (!vocabulary.unigram() || !vocabulary.plainText()) {
      return null;
    }
    return new HfUnigram(
        vocabulary.pieces().stream()
            .map(piece -> new HfUnigram.Piece(piece.text(), piece.score(), piece.control()))
            .toList(),
        vocabulary.addsBlank(),
        vocabulary.byteFallback(),
        vocabulary.unknownId());
  }

  private static void add(
      Map<String, String> special,
      Map<String, Integer> ids,
      String role,
      int id,
      List<String> pieces) {
    if (id >= 0) {
      special.put(role, pieces.get(id));
      ids.put(role, id);
    }
  }

  /** Pieces that Megatron appends to the model's own. */
  private static Map<Integer, String> added(Path file, List<String> pieces) {
    Map<Integer, String> added = new TreeMap<>();
    try (Tokenizer plain = open(PLAIN, file, 0)) {
      for (int id = plain.vocabSize(); id < pieces.size(); id++) {
        added.put(id, pieces.get(id));
      }
    }
    return added;
  }
}
