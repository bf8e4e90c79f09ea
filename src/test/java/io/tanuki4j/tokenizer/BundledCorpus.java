package io.tanuki4j.tokenizer;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The texts and the model that the project ships. */
final class BundledCorpus {
  static final Path MODEL = Path.of("tokenizer", "ja_en_8k_unigram_identity.model");

  private BundledCorpus() {}

  /** The documents of {@code ja} or {@code en}. */
  static List<String> documents(String language) throws IOException {
    return Files.readAllLines(Path.of("training_corpus", language + ".jsonl")).stream()
        .map(line -> JsonParser.parseString(line).getAsJsonObject().get("text").getAsString())
        .toList();
  }

  static TokenizerConfig config(String type, int extraIds, boolean legacy) {
    return new TokenizerConfig(type, MODEL, null, extraIds, legacy, 128);
  }
}
