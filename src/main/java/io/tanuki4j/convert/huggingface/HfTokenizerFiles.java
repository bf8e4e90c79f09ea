package io.tanuki4j.convert.huggingface;

import io.tanuki4j.checkpoint.disk.NewFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A SentencePiece tokenizer for a Llama folder: {@code tokenizer.model}, {@code
 * tokenizer_config.json} and {@code special_tokens_map.json}, and {@code tokenizer.json} for a
 * unigram model, which transformers 5 otherwise takes for one of merges.
 *
 * @param model the .model file, copied as it is
 * @param unigram its pieces; null for a model of another kind
 * @param addBos whether each text begins with the bos token
 * @param special pieces by role: {@code bos_token}, {@code eos_token}, {@code unk_token}, {@code
 *     pad_token}
 * @param added pieces behind those of the model, by id
 * @param maxLength longest text in tokens
 */
public record HfTokenizerFiles(
    Path model,
    @Nullable HfUnigram unigram,
    boolean addBos,
    Map<String, String> special,
    Map<Integer, String> added,
    int maxLength) {

  void write(Path folder) throws IOException {
    NewFile.write(folder.resolve("tokenizer.model"), Files.readAllBytes(model));
    HfConfigWriter.writeJson(folder.resolve("special_tokens_map.json"), special);
    HfConfigWriter.writeJson(folder.resolve("tokenizer_config.json"), config());
    if (unigram != null) {
      String bos = addBos ? special.get("bos_token") : null;
      HfConfigWriter.writeJson(folder.resolve("tokenizer.json"), unigram.toJson(added, bos));
    }
  }

  private Map<String, Object> config() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("tokenizer_class", unigram == null ? "LlamaTokenizer" : "PreTrainedTokenizerFast");
    config.put("add_bos_token", addBos);
    config.put("add_eos_token", false);
    config.put("legacy", false);
    config.put("clean_up_tokenization_spaces", false);
    config.put("model_max_length", maxLength);
    config.putAll(special);
    Map<String, Object> decoder = new LinkedHashMap<>();
    added.forEach((id, piece) -> decoder.put(Integer.toString(id), HfUnigram.token(piece)));
    config.put("added_tokens_decoder", decoder);
    return config;
  }
}
