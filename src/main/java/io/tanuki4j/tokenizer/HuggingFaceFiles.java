package io.tanuki4j.tokenizer;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
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

  private static final List<String> NAMES =
      List.of(
          TOKENIZER,
          CONFIG,
          MODEL,
          "special_tokens_map.json",
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
  public record Roles(@Nullable Integer bos, @Nullable Integer eos, @Nullable Integer pad) {}

  /** Returns the files that a folder has of a tokenizer, byte by byte; without roles. */
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

  /** Whether there is no file. */
  public boolean isEmpty() {
    return contents.isEmpty();
  }

  /** Returns the content of tokenizer.json, which must be among the files. */
  byte[] tokenizer() {
    return Objects.requireNonNull(contents.get(TOKENIZER), TOKENIZER);
  }

  /** Returns a file's content. */
  static byte[] json(Object value) {
    return (GSON.toJson(value) + "\n").getBytes(StandardCharsets.UTF_8);
  }
}
