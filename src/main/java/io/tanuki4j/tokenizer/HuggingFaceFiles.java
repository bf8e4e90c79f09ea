package io.tanuki4j.tokenizer;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A tokenizer's files in a folder of Hugging Face.
 *
 * @param contents by name
 * @param roles what its special tokens are for
 */
public record HuggingFaceFiles(Map<String, byte[]> contents, Roles roles) {
  /** No files. */
  public static final HuggingFaceFiles NONE =
      new HuggingFaceFiles(Map.of(), new Roles(null, null, null));

  /** The file that holds all of a tokenizer. */
  static final String TOKENIZER = "tokenizer.json";

  /** The file with the special tokens and what goes around a text. */
  static final String CONFIG = "tokenizer_config.json";

  /** The file of a SentencePiece model. */
  static final String MODEL = "tokenizer.model";

  /** The file with the special tokens by what they are for. */
  static final String SPECIAL = "special_tokens_map.json";

  private static final List<String> NAMES =
      List.of(
          TOKENIZER,
          CONFIG,
          MODEL,
          SPECIAL,
          "added_tokens.json",
          "chat_template.jinja",
          "chat_template.json",
          "vocab.json",
          "vocab.txt",
          "merges.txt",
          "spiece.model",
          "tekken.json");

  private static final Gson GSON =
      new GsonBuilder().serializeNulls().setPrettyPrinting().disableHtmlEscaping().create();

  /** Ids of the tokens that begin texts, end documents and fill sequences; null for none. */
  public record Roles(@Nullable Integer bos, @Nullable Integer eos, @Nullable Integer pad) {
    /** Returns the tokens by the names of their roles in Hugging Face's files. */
    Map<String, String> named(List<String> pieces) {
      Map<String, String> named = new LinkedHashMap<>();
      name(named, "bos_token", bos, pieces);
      name(named, "eos_token", eos, pieces);
      name(named, "pad_token", pad, pieces);
      return named;
    }

    private static void name(
        Map<String, String> named, String role, @Nullable Integer id, List<String> pieces) {
      if (id != null) {
        named.put(role, pieces.get(id));
      }
    }
  }

  /** Returns a folder's tokenizer files, byte for byte, without roles. */
  public static HuggingFaceFiles of(Path folder) throws IOException {
    Map<String, byte[]> contents = new LinkedHashMap<>();
    for (String name : NAMES) {
      Path file = folder.resolve(name);
      if (Files.isRegularFile(file)) {
        contents.put(name, Files.readAllBytes(file));
      }
    }
    return new HuggingFaceFiles(contents, NONE.roles);
  }

  /**
   * Returns the files of a {@code tokenizer.json}.
   *
   * @param pieces of the tokenizer, by id
   */
  static HuggingFaceFiles ofJson(Object json, List<String> pieces, Roles roles) {
    Map<String, String> special = roles.named(pieces);
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("clean_up_tokenization_spaces", false);
    config.putAll(special);
    Map<String, byte[]> contents = new LinkedHashMap<>();
    contents.put(TOKENIZER, json(json));
    contents.put(CONFIG, json(config));
    contents.put(SPECIAL, json(special));
    return new HuggingFaceFiles(contents, roles);
  }

  /** Returns whether there is no file. */
  public boolean isEmpty() {
    return contents.isEmpty();
  }

  /** Returns the content of tokenizer.json, which must be among the files. */
  byte[] tokenizer() {
    return Objects.requireNonNull(contents.get(TOKENIZER), TOKENIZER);
  }

  /** Returns a value as gson's tree. */
  static JsonObject tree(Object value) {
    return GSON.toJsonTree(value).getAsJsonObject();
  }

  /** Returns a file's content. */
  static byte[] json(Object value) {
    return (GSON.toJson(value) + "\n").getBytes(StandardCharsets.UTF_8);
  }
}
