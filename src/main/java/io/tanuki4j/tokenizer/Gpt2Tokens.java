package io.tanuki4j.tokenizer;

import com.google.gson.JsonElement;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * GPT-2's vocabulary and merges. Documents end with {@code <|endoftext|>}, which is never matched
 * in text.
 */
final class Gpt2Tokens {
  private static final String END = "<|endoftext|>";

  private Gpt2Tokens() {}

  /** Opens Megatron's GPT2BPETokenizer. */
  static Tokenizer open(TokenizerConfig config) {
    Path vocabularyFile =
        TokenizerFiles.given(config.files().vocabulary(), "--vocab-file", "vocab.json", config);
    Path mergesFile =
        TokenizerFiles.given(config.files().merges(), "--merge-file", "merges.txt", config);
    Map<String, Integer> vocabulary = vocabulary(vocabularyFile);
    List<List<String>> merges = merges(mergesFile);
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("class", "_GPT2BPETokenizer");
    identity.put("tokenizer_path", List.of(vocabularyFile.toString(), mergesFile.toString()));
    return new JsonTokenizer(
        parts(vocabularyFile, vocabulary, merges), JsonTokenizer.Front.NOTHING, identity);
  }

  private static JsonTokenizer.Parts parts(
      Path file, Map<String, Integer> vocabulary, List<List<String>> merges) {
    Integer end = vocabulary.get(END);
    if (end == null) {
      throw new UserException(
          "%s: it has no %s, which ends documents (expected: GPT-2's vocab.json). Give another file."
              .formatted(file, END));
    }
    List<String> pieces = TokenizerFiles.pieces(file, vocabulary);
    Roles roles = new Roles(null, end, null);
    return new JsonTokenizer.Parts(
        file.toString(),
        HuggingFaceFiles.json(ByteLevel.json(List.of(), vocabulary, merges, false, List.of())),
        pieces,
        roles,
        HuggingFaceFiles.ofJson(
            ByteLevel.json(
                List.of(), vocabulary, merges, false, List.of(JsonSteps.token(end, END))),
            pieces,
            roles));
  }

  private static Map<String, Integer> vocabulary(Path file) {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, JsonElement> entry :
          TokenizerFiles.json(file).getAsJsonObject().entrySet()) {
        vocabulary.put(entry.getKey(), entry.getValue().getAsInt());
      }
    } catch (IllegalStateException | NumberFormatException | UnsupportedOperationException e) {
      throw new UserException(
          "%s: it is no object of tokens and ids (expected: GPT-2's vocab.json). Give another file."
              .formatted(file),
          e);
    }
    return vocabulary;
  }

  /** Reads the merges as Megatron does: the first line is a title, the last one is empty. */
  private static List<List<String>> merges(Path file) {
    List<List<String>> merges = new ArrayList<>();
    List<String> lines = TokenizerFiles.text(file).lines().toList();
    for (int i = 1; i < lines.size(); i++) {
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
