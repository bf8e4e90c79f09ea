package io.tanuki4j.tokenizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import io.tanuki4j.tokenizer.TokenizerConfig.TikTokens;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * NVIDIA's form of tiktoken's vocabularies: a JSON list of tokens with their ranks. The lowest ids
 * are special tokens, which are never matched in text. Documents end with {@code </s>}.
 */
final class TikTokenList {
  private static final int DEFAULT_VOCABULARY = 1 << 17;
  private static final List<String> SPECIAL = List.of("<unk>", "<s>", "</s>");

  /** The patterns that cut texts, by Megatron's names. */
  private static final Map<String, String> PATTERNS =
      Map.of(
          "v1",
          "[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]"
              + "|\\s+(?!\\S)|\\s+",
          "v2",
          "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
              + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
              + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+"
              + "|\\s+(?!\\S)|\\s+");

  private TikTokenList() {}

  /** Opens Megatron's TikTokenizer. */
  static Tokenizer open(TokenizerConfig config) {
    Path file = TokenizerFiles.model(config);
    String pattern = PATTERNS.get(config.tikTokens().pattern());
    if (pattern == null) {
      throw new UserException(
          "--tiktoken-pattern: %s (expected: v1 or v2). Choose one of them."
              .formatted(config.tikTokens().pattern()));
    }
    Integer vocabSize = config.vocabSize();
    int size = vocabSize == null ? DEFAULT_VOCABULARY : vocabSize;
    List<String> special = special(config.tikTokens(), size);
    RankedTokens tokens = new RankedTokens(tokens(file, size - special.size()), special.size());
    return new JsonTokenizer(
        parts(file, special, tokens, pattern),
        JsonTokenizer.Front.NOTHING,
        identity(config, file, pattern));
  }

  private static List<String> special(TikTokens rules, int size) {
    List<String> special = new ArrayList<>(rules.special().isEmpty() ? SPECIAL : rules.special());
    if (!special.containsAll(SPECIAL) || new HashSet<>(special).size() < special.size()) {
      throw new UserException(
          "--tokenizer-special-tokens: %s (expected: all different, %s among them). Write them all."
              .formatted(String.join(" ", special), String.join(" ", SPECIAL)));
    }
    if (rules.numSpecial() < special.size() || rules.numSpecial() >= size) {
      throw new UserException(
          "--tiktoken-num-special-tokens: %d (expected: at least %d, fewer than the vocabulary of %d). Megatron uses 1000."
              .formatted(rules.numSpecial(), special.size(), size));
    }
    for (int i = special.size(); i < rules.numSpecial(); i++) {
      special.add("<SPECIAL_" + i + ">");
    }
    return special;
  }

  /** Returns the first tokens of a file, with a character for each byte. */
  private static List<String> tokens(Path file, int count) {
    List<String> tokens = new ArrayList<>();
    try {
      JsonArray list = TokenizerFiles.json(file).getAsJsonArray();
      for (JsonElement entry : list) {
        JsonObject token = entry.getAsJsonObject();
        if (tokens.size() == count) {
          break;
        }
        if (token.get("rank").getAsInt() != tokens.size()) {
          throw notAList(file, null);
        }
        tokens.add(
            ByteLevel.show(Base64.getDecoder().decode(token.get("token_bytes").getAsString())));
      }
    } catch (IllegalStateException
        | IllegalArgumentException
        | NullPointerException
        | UnsupportedOperationException e) {
      throw notAList(file, e);
    }
    if (tokens.size() < count) {
      throw new UserException(
          "%s: %d tokens (expected: %d, the vocabulary without its special tokens). Give their sum as --vocab-size."
              .formatted(file, tokens.size(), count));
    }
    return tokens;
  }

  private static UserException notAList(Path file, @Nullable Throwable cause) {
    return new UserException(
        "%s: not a list of tokens (expected: a JSON list of objects with rank and token_bytes, by rank). Give another file."
            .formatted(file),
        cause);
  }

  private static JsonTokenizer.Parts parts(
      Path file, List<String> special, RankedTokens tokens, String pattern) {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    special.forEach(token -> vocabulary.put(token, vocabulary.size()));
    vocabulary.putAll(tokens.vocabulary());
    List<Map<String, @Nullable Object>> cuts = List.of(JsonSteps.split(pattern, "Isolated"));
    List<List<String>> merges = tokens.merges();
    List<Map<String, @Nullable Object>> added = new ArrayList<>();
    special.forEach(token -> added.add(JsonSteps.token(added.size(), token)));
    List<String> pieces = TokenizerFiles.pieces(file, vocabulary);
    Roles roles = new Roles(vocabulary.get("<s>"), vocabulary.get("</s>"), null);
    return new JsonTokenizer.Parts(
        file.toString(),
        HuggingFaceFiles.json(ByteLevel.json(cuts, vocabulary, merges, true, List.of())),
        pieces,
        roles,
        HuggingFaceFiles.ofJson(
            ByteLevel.json(cuts, vocabulary, merges, true, added), pieces, roles));
  }

  private static Map<String, Object> identity(TokenizerConfig config, Path file, String pattern) {
    List<String> special = config.tikTokens().special();
    Integer vocabSize = config.vocabSize();
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("class", "CustomTikTokenizer");
    identity.put("tokenizer_path", List.of(file.toString()));
    identity.put("pattern", pattern);
    identity.put("vocab_size", vocabSize == null ? "None" : vocabSize.toString());
    identity.put("num_special_tokens", Integer.toString(config.tikTokens().numSpecial()));
    identity.put(
        "special_tokens",
        special.isEmpty()
            ? "None"
            : special.stream().map(t -> "'" + t + "'").collect(Collectors.joining(", ", "[", "]")));
    return identity;
  }
}
