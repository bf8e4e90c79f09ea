package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The vocabulary and merges of Qwen 1.5 to 3, as transformers' Qwen2Tokenizer reads them: texts are
 * composed (NFC) and cut by Qwen's pattern. Documents end with {@code <|endoftext|>}, which is also
 * matched in text and need not be in the vocabulary.
 */
final class QwenTokens {
  private static final String END = "<|endoftext|>";
  private static final String PATTERN =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private QwenTokens() {}

  /** Opens the QwenTokenizer of HYGON's fork of Megatron. */
  static Tokenizer open(TokenizerConfig config) {
    MergeFiles files = MergeFiles.read(config, false);
    return new JsonTokenizer(
        parts(files), JsonTokenizer.Front.NOTHING, files.identity("_Qwen2Tokenizer"));
  }

  private static JsonTokenizer.Parts parts(MergeFiles files) {
    Map<String, Integer> ids = new LinkedHashMap<>(files.vocabulary());
    int end = ids.computeIfAbsent(END, unknown -> ids.size());
    List<String> pieces = TokenizerFiles.pieces(files.vocabularyFile(), ids);
    Map<String, @Nullable Object> json =
        ByteLevel.json(
            List.of(JsonSteps.split(PATTERN, "Isolated")),
            files.vocabulary(),
            files.merges(),
            false,
            List.of(JsonSteps.token(end, END)));
    json.put("normalizer", JsonSteps.step("NFC"));
    Roles roles = new Roles(null, end, end);
    return new JsonTokenizer.Parts(
        files.vocabularyFile().toString(),
        HuggingFaceFiles.json(json),
        pieces,
        roles,
        HuggingFaceFiles.ofJson(json, pieces, roles));
  }
}
