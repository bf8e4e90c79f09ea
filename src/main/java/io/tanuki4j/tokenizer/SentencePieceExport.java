package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes the files from which transformers reads a SentencePiece tokenizer.
 *
 * @param pieces of the whole tokenizer, by id
 * @param specials ids of tokens that are found whole in a text
 * @param addsBos whether each text begins with the bos token
 */
record SentencePieceExport(
    SentencePieceModel model,
    List<String> pieces,
    Map<String, Integer> specials,
    Roles roles,
    boolean addsBos) {

  /**
   * Returns the files.
   *
   * @param maxTokens longest text that the model sees
   * @throws UserException if the library has no counterpart for the model
   */
  HuggingFaceFiles files(int maxTokens) {
    if (!SentencePieceJson.canWrite(model)) {
      throw new UserException(
          "%s: a model of whole words (expected: unigram, bpe or char, which Hugging Face's library has). Train another one."
              .formatted(model.file()));
    }
    Map<String, byte[]> contents = new LinkedHashMap<>();
    contents.put(HuggingFaceFiles.MODEL, model.bytes());
    contents.put(
        HuggingFaceFiles.TOKENIZER,
        HuggingFaceFiles.json(
            new SentencePieceJson(model, specials).toJson(addsBos ? roles.bos() : null)));
    contents.put(HuggingFaceFiles.CONFIG, HuggingFaceFiles.json(config(maxTokens)));
    contents.put(HuggingFaceFiles.SPECIAL, HuggingFaceFiles.json(named()));
    return new HuggingFaceFiles(contents, roles);
  }

  private Map<String, String> named() {
    Map<String, String> named = roles.named(pieces);
    named.put("unk_token", pieces.get(model.unknownId()));
    return named;
  }

  private Map<String, Object> config(int maxTokens) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("add_bos_token", addsBos);
    config.put("add_eos_token", false);
    config.put("clean_up_tokenization_spaces", false);
    config.put("model_max_length", maxTokens);
    config.putAll(named());
    Map<String, Object> decoder = new LinkedHashMap<>();
    specials.forEach(
        (token, id) -> {
          if (id >= model.pieces().size()) {
            decoder.put(Integer.toString(id), JsonSteps.token(token));
          }
        });
    config.put("added_tokens_decoder", decoder);
    return config;
  }
}
