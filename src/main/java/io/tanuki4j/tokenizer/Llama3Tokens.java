package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Llama 3's tokenizer as forks of Megatron open it: from the Hugging Face folder that the model
 * file is in, or from Meta's own {@code tokenizer.model}. That file has one line per token: the
 * token in base64 and its rank. Every text begins with bos.
 */
final class Llama3Tokens {
  private static final int NUM_SPECIAL = 256;
  private static final String PATTERN =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private Llama3Tokens() {}

  /** Opens the forks' Llama3Tokenizer. */
  static Tokenizer open(TokenizerConfig config) {
    Path path = TokenizerFiles.model(config);
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("class", "_Llama3Tokenizer");
    identity.put("tokenizer_path", List.of(path.toString()));
    JsonTokenizer.Parts parts =
        isMetas(path) ? metas(path) : HuggingFaceFolder.read(folder(path)).parts(0);
    if (parts.roles().bos() == null) {
      throw new UserException(
          "%s: no bos_token, which begins every text with Llama3Tokenizer. Use --tokenizer-type HuggingFaceTokenizer."
              .formatted(path));
    }
    return new JsonTokenizer(parts, JsonTokenizer.Front.BOS, identity);
  }

  private static Path folder(Path path) {
    return Files.isRegularFile(path) && !path.toString().endsWith(".json")
        ? Objects.requireNonNull(path.toAbsolutePath().getParent(), "a file has a folder")
        : path;
  }

  private static boolean isMetas(Path path) {
    return Files.isRegularFile(path)
        && !path.toString().endsWith(".json")
        && !Files.isRegularFile(path.resolveSibling(HuggingFaceFiles.TOKENIZER));
  }

  private static JsonTokenizer.Parts metas(Path file) {
    RankedTokens tokens = new RankedTokens(tokens(file), 0);
    Map<String, Integer> vocabulary = tokens.vocabulary();
    List<Map<String, @Nullable Object>> added = new ArrayList<>();
    for (String token : special()) {
      int id = tokens.tokens().size() + added.size();
      added.add(JsonSteps.token(id, token));
    }
    Map<String, Integer> all = new LinkedHashMap<>(vocabulary);
    special().forEach(token -> all.put(token, all.size()));
    List<String> pieces = TokenizerFiles.pieces(file, all);
    Roles roles = new Roles(all.get("<|begin_of_text|>"), all.get("<|end_of_text|>"), null);
    Map<String, @Nullable Object> json =
        ByteLevel.json(
            List.of(JsonSteps.split(PATTERN, "Isolated")),
            vocabulary,
            tokens.merges(),
            true,
            added);
    byte[] plain = HuggingFaceFiles.json(json);
    json.put("post_processor", JsonSteps.template(roles.bos(), "<|begin_of_text|>", null, ""));
    return new JsonTokenizer.Parts(
        file.toString(), plain, pieces, roles, HuggingFaceFiles.ofJson(json, pieces, roles));
  }

  private static List<String> tokens(Path file) {
    List<String> tokens = new ArrayList<>();
    for (String line : TokenizerFiles.text(file).lines().toList()) {
      String[] words = line.split(" ", -1);
      try {
        if (words.length != 2 || Integer.parseInt(words[1]) != tokens.size()) {
          throw new IllegalArgumentException("rank");
        }
        tokens.add(ByteLevel.show(Base64.getDecoder().decode(words[0])));
      } catch (IllegalArgumentException e) {
        throw new UserException(
            "%s, line %d: not a token in base64 and its rank (expected: Meta's tokenizer.model of Llama 3, or a folder with tokenizer.json). Give another file."
                .formatted(file, tokens.size() + 1),
            e);
      }
    }
    return tokens;
  }

  /** Returns Meta's special tokens in the order of their ids. */
  private static List<String> special() {
    List<String> special = new ArrayList<>(List.of("<|begin_of_text|>", "<|end_of_text|>"));
    reserve(special, 0, 4);
    special.addAll(List.of("<|start_header_id|>", "<|end_header_id|>"));
    reserve(special, 4, 5);
    special.add("<|eot_id|>");
    reserve(special, 5, NUM_SPECIAL - 5);
    return special;
  }

  private static void reserve(List<String> special, int from, int to) {
    for (int i = from; i < to; i++) {
      special.add("<|reserved_special_token_" + i + "|>");
    }
  }
}
