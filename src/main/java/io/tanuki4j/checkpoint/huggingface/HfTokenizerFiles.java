package io.tanuki4j.checkpoint.huggingface;

import io.tanuki4j.checkpoint.disk.NewFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A SentencePiece tokenizer for a Llama folder: {@code tokenizer.model}, {@code
 * tokenizer_config.json} and {@code special_tokens_map.json}.
 *
 * @param model the .model file, copied as it is
 * @param addBos whether each text begins with the bos token
 * @param special pieces by role: {@code bos_token}, {@code eos_token}, {@code unk_token}, {@code
 *     pad_token}
 * @param added pieces behind those of the model, by id
 * @param maxLength longest text in tokens
 */
public record HfTokenizerFiles(
    Path model,
    boolean addBos,
    Map<String, String> special,
    Map<Integer, String> added,
    int maxLength) {

  void write(Path folder) throws IOException {
    NewFile.write(folder.resolve("tokenizer.model"), Files.readAllBytes(model));
    HfConfigWriter.writeJson(folder.resolve("special_tokens_map.json"), special);
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("tokenizer_class", "LlamaTokenizer");
    config.put("add_bos_token", addBos);
    config.put("add_eos_token", false);
    config.put("legacy", false);
    config.put("clean_up_tokenization_spaces", false);
    config.put("model_max_length", maxLength);
    config.putAll(special);
    Map<String, Object> decoder = new LinkedHashMap<>();
    added.forEach((id, piece) -> decoder.put(Integer.toString(id), addedToken(piece)));
    config.put("added_tokens_decoder", decoder);
    HfConfigWriter.writeJson(folder.resolve("tokenizer_config.json"), config);
  }

  private static Map<String, Object> addedToken(String piece) {
    Map<String, Object> token = new LinkedHashMap<>();
    token.put("content", piece);
    token.put("special", true);
    token.put("lstrip", false);
    token.put("rstrip", false);
    token.put("normalized", false);
    token.put("single_word", false);
    return token;
  }
}
