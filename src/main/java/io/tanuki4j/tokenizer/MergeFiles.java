package io.tanuki4j.tokenizer;

import com.google.gson.JsonElement;
import io.tanuki4j.error.UserException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A {@code vocab.json} and a {@code merges.txt}, in the form that GPT-2 came in.
 *
 * @param vocabularyFile where the tokens came from
 * @param mergesFile where the merges came from
 * @param vocabulary ids by token
 * @param merges pairs of tokens, the most frequent first
 */
record MergeFiles(
    Path vocabularyFile,
    Path mergesFile,
    Map<String, Integer> vocabulary,
    List<List<String>> merges) {
  private static final String TITLE = "#version";

  /**
   * Reads the files that a configuration names.
   *
   * @param firstIsTitle whether the first line of the merges is a title whatever it says; otherwise
   *     only {@code #version} is
   * @throws UserException if one is missing or malformed
   */
  static MergeFiles read(TokenizerConfig config, boolean firstIsTitle) {
    Path vocabularyFile =
        TokenizerFiles.given(config.files().vocabulary(), "--vocab-file", "vocab.json", config);
    Path mergesFile =
        TokenizerFiles.given(config.files().merges(), "--merge-file", "merges.txt", config);
    return new MergeFiles(
        vocabularyFile, mergesFile, vocabulary(vocabularyFile), merges(mergesFile, firstIsTitle));
  }

  /**
   * Returns Megatron's description.
   *
   * @param tokenizer the name of its class there
   */
  Map<String, Object> identity(String tokenizer) {
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("class", tokenizer);
    identity.put("tokenizer_path", List.of(vocabularyFile.toString(), mergesFile.toString()));
    return identity;
  }

  private static Map<String, Integer> vocabulary(Path file) {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, JsonElement> entry :
          TokenizerFiles.json(file).getAsJsonObject().entrySet()) {
        vocabulary.put(entry.getKey(), entry.getValue().getAsInt());
      }
    } catch (IllegalStateException | NumberFormatException | UnsupportedOperationException e) {
      // Gson throws these for JSON that is no object of integers: the file is no vocabulary.
      throw noVocabulary(file, e);
    }
    if (vocabulary.isEmpty()) {
      throw noVocabulary(file, null);
    }
    return vocabulary;
  }

  private static UserException noVocabulary(Path file, @Nullable Throwable cause) {
    return new UserException(
        "%s: it is no object of tokens and ids (expected: a vocab.json as of GPT-2). Give another file."
            .formatted(file),
        cause);
  }

  private static List<List<String>> merges(Path file, boolean firstIsTitle) {
    List<List<String>> merges = new ArrayList<>();
    List<String> lines = TokenizerFiles.text(file).lines().toList();
    boolean hasTitle = firstIsTitle || (!lines.isEmpty() && lines.get(0).startsWith(TITLE));
    for (int i = hasTitle ? 1 : 0; i < lines.size(); i++) {
      String[] pair = lines.get(i).split(" ", -1);
      if (pair.length != 2) {
        throw new UserException(
            "%s, line %d: '%s' (expected: two tokens with a blank between, as in GPT-2's merges.txt). Give another file."
                .formatted(file, i + 1, lines.get(i)));
      }
      merges.add(List.of(pair));
    }
    return merges;
  }
}
