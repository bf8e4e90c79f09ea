package io.tanuki4j.tokenizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A tokenizer of Hugging Face: {@code tokenizer.json}, plus what transformers takes from {@code
 * tokenizer_config.json}: special tokens, and whether bos and eos surround a text.
 */
final class HuggingFaceFolder {
  private static final List<String> ROLES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private final Path folder;
  private final Path file;
  private final JsonObject json;
  private final JsonObject config;

  private HuggingFaceFolder(Path folder, Path file, JsonObject json, JsonObject config) {
    this.folder = folder;
    this.file = file;
    this.json = json;
    this.config = config;
  }

  /** Opens Megatron's HuggingFaceTokenizer: its ids are those of transformers. */
  static Tokenizer open(TokenizerConfig config) {
    Path path = TokenizerFiles.model(config);
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("class", "_HuggingFaceTokenizer");
    identity.put("tokenizer_path", List.of(path.toString()));
    return new JsonTokenizer(
        read(path).parts(config.vocabExtraIds()), JsonTokenizer.Front.TEMPLATE, identity);
  }

  /**
   * Reads a folder, or the folder of a tokenizer.json.
   *
   * @throws UserException if there is none, or its files are malformed
   */
  static HuggingFaceFolder read(Path path) {
    boolean isFolder = Files.isDirectory(path);
    Path file = isFolder ? path.resolve(HuggingFaceFiles.TOKENIZER) : path;
    if (!Files.isRegularFile(file)) {
      throw new UserException(isFolder ? noTokenizer(path) : noSuchFolder(path));
    }
    Path folder = Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file has a folder");
    JsonObject json = object(file);
    JsonObject config = new JsonObject();
    for (String name : List.of(HuggingFaceFiles.SPECIAL, HuggingFaceFiles.CONFIG)) {
      if (Files.isRegularFile(folder.resolve(name))) {
        object(folder.resolve(name)).entrySet().forEach(e -> config.add(e.getKey(), e.getValue()));
      }
    }
    HuggingFaceFolder read = new HuggingFaceFolder(folder, file, json, config);
    read.completeSpecials();
    read.completeTemplate();
    return read;
  }

  private static String noSuchFolder(Path path) {
    return "--tokenizer-model: %s (expected: a folder with tokenizer.json, or that file). Names of the hub are not fetched; download the tokenizer and give its folder."
        .formatted(path);
  }

  private static String noTokenizer(Path folder) {
    String remedy =
        Files.isRegularFile(folder.resolve(HuggingFaceFiles.MODEL))
            ? "It has a tokenizer.model: give that one, with --tokenizer-type Llama2Tokenizer."
            : "Save the tokenizer with transformers' save_pretrained.";
    return "%s: there is no tokenizer.json in it. %s".formatted(folder, remedy);
  }

  private static JsonObject object(Path file) {
    JsonElement content = TokenizerFiles.json(file);
    if (!content.isJsonObject()) {
      throw new UserException(
          "%s: it is no JSON object (expected: as transformers writes it). Copy the file again."
              .formatted(file));
    }
    return content.getAsJsonObject();
  }

  JsonTokenizer.Parts parts(int numExtra) {
    Map<String, Integer> ids = ids();
    Integer eos = id("eos_token", ids);
    if (eos == null) {
      throw new UserException(
          "%s: neither tokenizer_config.json nor special_tokens_map.json names an eos_token (expected: the token that ends documents). Add it to tokenizer_config.json."
              .formatted(folder));
    }
    Roles roles = new Roles(id("bos_token", ids), eos, id("pad_token", ids));
    return new JsonTokenizer.Parts(
        file.toString(),
        HuggingFaceFiles.json(json),
        pieces(ids, numExtra),
        roles,
        exported(roles));
  }

  /** Returns tokens by their ids, and empty ones so that the model's are followed by enough. */
  private List<String> pieces(Map<String, Integer> ids, int numExtra) {
    List<String> pieces = new ArrayList<>(TokenizerFiles.pieces(file, ids));
    int size = numExtra == 0 ? 0 : modelIds().size() + numExtra;
    while (pieces.size() < size) {
      pieces.add("");
    }
    return List.copyOf(pieces);
  }

  private HuggingFaceFiles exported(Roles roles) {
    try {
      return new HuggingFaceFiles(HuggingFaceFiles.of(folder).contents(), roles);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the ids of all tokens. */
  private Map<String, Integer> ids() {
    Map<String, Integer> ids = new LinkedHashMap<>();
    try {
      ids.putAll(modelIds());
      for (JsonElement added : added()) {
        JsonObject token = added.getAsJsonObject();
        ids.put(token.get("content").getAsString(), token.get("id").getAsInt());
      }
    } catch (IllegalStateException
        | ClassCastException
        | NumberFormatException
        | NullPointerException
        | UnsupportedOperationException e) {
      throw damaged(e);
    }
    if (ids.isEmpty()) {
      throw damaged(null);
    }
    return ids;
  }

  /** Returns the ids of the tokens that are not added. */
  private Map<String, Integer> modelIds() {
    Map<String, Integer> ids = new LinkedHashMap<>();
    JsonElement vocabulary = model().get("vocab");
    if (vocabulary != null && vocabulary.isJsonObject()) {
      vocabulary
          .getAsJsonObject()
          .entrySet()
          .forEach(e -> ids.put(e.getKey(), e.getValue().getAsInt()));
    } else if (vocabulary != null) {
      vocabulary
          .getAsJsonArray()
          .forEach(piece -> ids.put(piece.getAsJsonArray().get(0).getAsString(), ids.size()));
    }
    return ids;
  }

  private JsonObject model() {
    if (json.get("model") instanceof JsonObject model) {
      return model;
    }
    throw damaged(null);
  }

  private JsonArray added() {
    if (json.get("added_tokens") instanceof JsonArray added) {
      return added;
    }
    JsonArray none = new JsonArray();
    json.add("added_tokens", none);
    return none;
  }

  private UserException damaged(@Nullable Throwable cause) {
    return new UserException(
        "%s: it has no vocabulary (expected: a tokenizer.json as transformers writes it). Copy the file again."
            .formatted(file),
        cause);
  }

  /** Adds the special tokens that only the other files name. */
  private void completeSpecials() {
    Map<String, Integer> ids = ids();
    Set<String> added = new HashSet<>();
    added().forEach(token -> added.add(token.getAsJsonObject().get("content").getAsString()));
    for (String token : namedTokens()) {
      if (added.add(token)) {
        int id = ids.computeIfAbsent(token, unknown -> ids.size());
        JsonObject entry = new JsonObject();
        entry.addProperty("id", id);
        HuggingFaceFiles.tree(JsonSteps.token(token))
            .entrySet()
            .forEach(e -> entry.add(e.getKey(), e.getValue()));
        added().add(entry);
      }
    }
  }

  private List<String> namedTokens() {
    List<String> tokens = new ArrayList<>();
    if (config.get("added_tokens_decoder") instanceof JsonObject decoder) {
      decoder.entrySet().forEach(entry -> add(tokens, entry.getValue()));
    }
    ROLES.forEach(role -> add(tokens, config.get(role)));
    for (String more : List.of("additional_special_tokens", "extra_special_tokens")) {
      if (config.get(more) instanceof JsonArray list) {
        list.forEach(token -> add(tokens, token));
      }
    }
    return tokens;
  }

  private static void add(List<String> tokens, @Nullable JsonElement token) {
    String content = content(token);
    if (content != null) {
      tokens.add(content);
    }
  }

  /** Returns the text of a token, which is that text or an object with it. */
  private static @Nullable String content(@Nullable JsonElement token) {
    JsonElement text = token instanceof JsonObject object ? object.get("content") : token;
    return text == null || !text.isJsonPrimitive() ? null : text.getAsString();
  }

  private @Nullable Integer id(String role, Map<String, Integer> ids) {
    String token = content(config.get(role));
    return token == null ? null : ids.get(token);
  }

  /** Replaces the file's template with the one that the configuration asks for. */
  private void completeTemplate() {
    if (!config.has("add_bos_token") && !config.has("add_eos_token")) {
      return;
    }
    Map<String, Integer> ids = ids();
    Integer bos = isSet("add_bos_token") ? id("bos_token", ids) : null;
    Integer eos = isSet("add_eos_token") ? id("eos_token", ids) : null;
    Map<Integer, String> names = new LinkedHashMap<>();
    ids.forEach((token, id) -> names.put(id, token));
    json.add(
        "post_processor",
        bos == null && eos == null
            ? withoutTemplate()
            : HuggingFaceFiles.tree(
                JsonSteps.template(
                    bos,
                    bos == null ? "" : names.getOrDefault(bos, ""),
                    eos,
                    eos == null ? "" : names.getOrDefault(eos, ""))));
  }

  /** Returns the post-processor without templates. A processor that only adjusts offsets stays. */
  private JsonElement withoutTemplate() {
    JsonElement processor = json.get("post_processor");
    boolean isTemplate =
        processor instanceof JsonObject object
            && (object.get("type").getAsString().equals("TemplateProcessing")
                || object.get("type").getAsString().equals("Sequence"));
    return processor == null || isTemplate ? JsonNull.INSTANCE : processor;
  }

  private boolean isSet(String flag) {
    JsonElement value = config.get(flag);
    return value != null && value.isJsonPrimitive() && value.getAsBoolean();
  }
}
