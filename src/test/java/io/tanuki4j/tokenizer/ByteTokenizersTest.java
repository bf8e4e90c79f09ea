package io.tanuki4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.TokenizerConfig.TikTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Vocabularies and expected ids of tools/reference/tokenizer_ids.py. */
class ByteTokenizersTest {
  private static final Path FOLDER = Path.of("src/test/resources/tokenizer/bytes");
  private static final int NUM_TOKENS = 500;
  private static final int NUM_SPECIAL = 1000;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GPT2BPETokenizer",
        "QwenTokenizer",
        "TikTokenizer v1",
        "TikTokenizer v2",
        "Llama3Tokenizer",
        "HuggingFaceTokenizer"
      })
  void ids_are_those_of_pythons_libraries(String name) throws IOException {
    JsonObject expected =
        JsonParser.parseString(Files.readString(FOLDER.resolve("expected.json"))).getAsJsonObject();
    JsonArray texts = expected.getAsJsonArray("texts");
    JsonArray ids = expected.getAsJsonObject("ids").getAsJsonArray(name);
    try (Tokenizer tokenizer = Tokenizers.open(config(name))) {
      for (int i = 0; i < texts.size(); i++) {
        String text = texts.get(i).getAsString();
        int[] actual = tokenizer.encode(text);
        assertThat(IntStream.of(actual).boxed().toList())
            .as(text)
            .hasToString(ids.get(i).toString().replace(",", ", "));
        assertThat(tokenizer.decode(actual).replaceFirst("^<\\|begin_of_text\\|>", ""))
            .isEqualTo(composed(name, text.replaceFirst("^<\\|begin_of_text\\|>", "")));
      }
    }
  }

  /** Returns a text as the tokenizer sees it. */
  private static String composed(String name, String text) {
    return name.equals("QwenTokenizer") ? Normalizer.normalize(text, Normalizer.Form.NFC) : text;
  }

  /** Qwen's own vocab.json has no {@code <|endoftext|>}; Megatron's first merge is a title. */
  @Test
  void qwen_needs_neither_an_end_in_its_vocabulary_nor_a_title() throws IOException {
    Path vocabulary = Files.writeString(folder.resolve("v.json"), "{\"a\":0,\"b\":1,\"ab\":2}");
    Path merges = Files.writeString(folder.resolve("m.txt"), "a b\n");
    var files = new TokenizerConfig.Files(null, vocabulary, merges);
    var config =
        new TokenizerConfig(
            TokenizerType.QWEN, files, null, 0, true, 128, TokenizerConfig.TikTokens.DEFAULT);
    try (Tokenizer tokenizer = Tokenizers.open(config)) {
      assertThat(tokenizer.encode("ab<|endoftext|>b")).containsExactly(2, 3, 1);
      assertThat(tokenizer.vocabSize()).isEqualTo(4);
    }
  }

  /** As in Pai-Megatron-Patch: 500 tokens of the model and 32 rows, 12 of them for added tokens. */
  @Test
  void extra_rows_follow_the_tokens_of_the_model() {
    assertThat(sizeOf(32)).isEqualTo(NUM_TOKENS + 32);
    assertThat(sizeOf(5)).isEqualTo(sizeOf(0)).isEqualTo(NUM_TOKENS + 12);
  }

  private static int sizeOf(int numExtra) {
    TokenizerConfig config =
        new TokenizerConfig("HuggingFaceTokenizer", FOLDER.resolve("hf"), null, numExtra, true, 1);
    try (Tokenizer tokenizer = Tokenizers.open(config)) {
      return tokenizer.vocabSize();
    }
  }

  @Test
  void documents_end_with_the_token_of_megatrons_rule() {
    assertThat(end("GPT2BPETokenizer")).isEqualTo("<|endoftext|>");
    assertThat(end("QwenTokenizer")).isEqualTo("<|endoftext|>");
    assertThat(end("TikTokenizer v2")).isEqualTo("</s>");
    assertThat(end("Llama3Tokenizer")).isEqualTo("<|end_of_text|>");
    assertThat(end("HuggingFaceTokenizer")).isEqualTo("<|end_of_text|>");
  }

  private static String end(String name) {
    try (Tokenizer tokenizer = Tokenizers.open(config(name))) {
      return tokenizer.pieces().get(tokenizer.eodId());
    }
  }

  @Test
  void caches_are_named_as_megatron_names_them() {
    assertThat(identity("GPT2BPETokenizer"))
        .isEqualTo(
            "{class=_GPT2BPETokenizer, tokenizer_path=[%s, %s]}"
                .formatted(FOLDER.resolve("vocab.json"), FOLDER.resolve("merges.txt")));
    assertThat(identity("HuggingFaceTokenizer"))
        .isEqualTo(
            "{class=_HuggingFaceTokenizer, tokenizer_path=[%s]}".formatted(FOLDER.resolve("hf")));
    assertThat(identity("Llama3Tokenizer"))
        .isEqualTo(
            "{class=_Llama3Tokenizer, tokenizer_path=[%s]}"
                .formatted(FOLDER.resolve("llama3.model")));
    assertThat(identity("TikTokenizer v1"))
        .startsWith(
            "{class=CustomTikTokenizer, tokenizer_path=[%s], pattern=[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|"
                .formatted(FOLDER.resolve("tiktoken.json")))
        .endsWith(", vocab_size=1500, num_special_tokens=1000, special_tokens=None}");
  }

  private static String identity(String name) {
    try (Tokenizer tokenizer = Tokenizers.open(config(name))) {
      return tokenizer.cacheIdentity().toString();
    }
  }

  @Test
  void every_kind_is_exported_with_its_own_ids() {
    for (String name :
        List.of("GPT2BPETokenizer", "QwenTokenizer", "TikTokenizer v2", "Llama3Tokenizer")) {
      try (Tokenizer tokenizer = Tokenizers.open(config(name));
          HuggingFaceCodec exported =
              new HuggingFaceCodec(name, tokenizer.toHuggingFace(2048, true).tokenizer())) {
        String text = "It was, 吾輩は 123\n\tone 😀";
        assertThat(exported.encodeInTemplate(text)).isEqualTo(tokenizer.encode(text));
      }
    }
  }

  @Test
  void a_folders_files_are_exported_as_they_are() throws IOException {
    try (Tokenizer tokenizer = Tokenizers.open(config("HuggingFaceTokenizer"))) {
      HuggingFaceFiles files = tokenizer.toHuggingFace(2048, true);
      assertThat(files.contents()).containsOnlyKeys("tokenizer.json", "tokenizer_config.json");
      assertThat(files.tokenizer())
          .isEqualTo(Files.readAllBytes(FOLDER.resolve("hf/tokenizer.json")));
    }
  }

  @Test
  void special_tokens_that_only_the_configuration_names_are_found_whole() throws IOException {
    copyFolder();
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"eos_token\": {\"content\": \"<|end_of_text|>\"}, \"pad_token\": \"<pad>\"}");
    try (Tokenizer tokenizer =
        Tokenizers.open(config("HuggingFaceTokenizer", folder.resolve("tokenizer.json")))) {
      assertThat(tokenizer.encode("a<pad>")).hasSize(3).endsWith(NUM_TOKENS + 12);
      assertThat(tokenizer.vocabSize()).isEqualTo(NUM_TOKENS + 13);
    }
  }

  @Test
  void the_configuration_decides_on_bos_and_eos_around_a_text() throws IOException {
    copyFolder();
    String tokens =
        "\"bos_token\": \"<|begin_of_text|>\", \"eos_token\": \"<|end_of_text|>\", \"add_bos_token\": ";
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(config, "{" + tokens + "false}");
    try (Tokenizer tokenizer = Tokenizers.open(config("HuggingFaceTokenizer", folder))) {
      assertThat(tokenizer.encode("")).isEmpty();
    }
    Files.writeString(config, "{" + tokens + "true, \"add_eos_token\": true}");
    try (Tokenizer tokenizer = Tokenizers.open(config("HuggingFaceTokenizer", folder))) {
      assertThat(tokenizer.encode("")).containsExactly(NUM_TOKENS, NUM_TOKENS + 1);
    }
  }

  @Test
  void names_of_the_hub_and_folders_without_tokenizer_are_refused() throws IOException {
    assertRefused(
        "HuggingFaceTokenizer",
        Path.of("meta-llama/Llama-3.1-8B"),
        "--tokenizer-model: meta-llama/Llama-3.1-8B (expected: a folder with tokenizer.json, or that"
            + " file). Names of the hub are not fetched; download the tokenizer and give its"
            + " folder.");
    assertRefused(
        "HuggingFaceTokenizer",
        folder,
        folder
            + ": there is no tokenizer.json in it. Save the tokenizer with transformers'"
            + " save_pretrained.");
    copyFolder();
    assertRefused(
        "HuggingFaceTokenizer",
        folder,
        folder.toAbsolutePath()
            + ": neither tokenizer_config.json nor special_tokens_map.json names an eos_token"
            + " (expected: the token that ends documents). Add it to tokenizer_config.json.");
  }

  @Test
  void files_of_another_kind_are_refused() {
    assertRefused("Llama3Tokenizer", FOLDER.resolve("merges.txt"), "merges.txt, line 1: not a");
    assertRefused("TikTokenizer", FOLDER.resolve("vocab.json"), "vocab.json: not a list of tokens");
    assertRefused("HuggingFaceTokenizer", FOLDER.resolve("vocab.json"), "it has no vocabulary");
    assertRefused("HuggingFaceTokenizer", FOLDER.resolve("merges.txt"), "not valid JSON");
  }

  private void copyFolder() throws IOException {
    Files.copy(FOLDER.resolve("hf/tokenizer.json"), folder.resolve("tokenizer.json"));
  }

  private static void assertRefused(String type, Path model, String message) {
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> Tokenizers.open(config(type, model)))
        .withMessageContaining(message);
  }

  private static TokenizerConfig config(String type, Path model) {
    return new TokenizerConfig(type, model, null, 0, true, 128);
  }

  private static TokenizerConfig config(String name) {
    String[] words = name.split(" ", -1);
    String model =
        switch (words[0]) {
          case "TikTokenizer" -> "tiktoken.json";
          case "Llama3Tokenizer" -> "llama3.model";
          default -> "hf";
        };
    return new TokenizerConfig(
        TokenizerType.named(words[0]),
        new TokenizerConfig.Files(
            FOLDER.resolve(model), FOLDER.resolve("vocab.json"), FOLDER.resolve("merges.txt")),
        words[0].equals("TikTokenizer") ? NUM_TOKENS + NUM_SPECIAL : null,
        0,
        true,
        128,
        new TikTokens(words.length > 1 ? words[1] : "v2", NUM_SPECIAL, List.of()));
  }
}
