package io.tanuki4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tanuki4j.error.UserException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models of tools/reference/tokenizer_fixtures.py. */
class SentencePieceExportTest {
  private static final String FOLDER = "src/test/resources/tokenizer/";

  /** What the export itself compares is every piece, and lines of all kinds. */
  @ParameterizedTest
  @CsvSource({
    "bpe_user_symbols, SentencePieceTokenizer",
    "bpe_user_symbols, GPTSentencePieceTokenizer",
    "bpe_user_symbols, Llama2Tokenizer",
    "unigram_rules, SentencePieceTokenizer",
    "unigram_rules, GPTSentencePieceTokenizer",
    "unigram_specials_user_defined, SentencePieceTokenizer"
  })
  void the_exported_file_has_the_ids_of_the_model(String model, String type) {
    try (Tokenizer tokenizer = open(model, type)) {
      HuggingFaceFiles files = tokenizer.toHuggingFace(2048, true);
      assertThat(files.contents())
          .containsOnlyKeys(
              "tokenizer.model",
              "tokenizer.json",
              "tokenizer_config.json",
              "special_tokens_map.json");
      assertThat(files.roles().eos()).isEqualTo(tokenizer.eodId());
    }
  }

  @Test
  void megatrons_appended_specials_are_found_whole() {
    try (Tokenizer tokenizer = open("unigram_rules", "SentencePieceTokenizer");
        HuggingFaceCodec exported =
            new HuggingFaceCodec("exported", tokenizer.toHuggingFace(2048, true).tokenizer())) {
      String text = "Ａ  猫<EOD> the end\n<CLS>";
      assertThat(exported.encode(text)).isEqualTo(tokenizer.encode(text));
      assertThat(exported.encode(text)).contains(tokenizer.eodId());
      assertThat(exported.decode(exported.encode("the ＡＢＣ end"))).isEqualTo("the ＡＢＣ end");
    }
  }

  @Test
  void llama2_puts_bos_in_front_in_transformers_too() {
    try (Tokenizer tokenizer = open("bpe_user_symbols", "Llama2Tokenizer")) {
      HuggingFaceFiles files = tokenizer.toHuggingFace(2048, true);
      assertThat(new String(files.tokenizer(), UTF_8)).contains("TemplateProcessing");
      assertThat(files.roles().bos()).isEqualTo(tokenizer.encode("")[0]);
    }
  }

  @Test
  void other_ids_are_refused_with_a_text_that_shows_them() {
    SentencePieceModel model = SentencePieceModel.read(Path.of(FOLDER + "bpe_user_symbols.model"));
    try (Tokenizer tokenizer = open("bpe_user_symbols", "GPTSentencePieceTokenizer")) {
      HuggingFaceFiles files = tokenizer.toHuggingFace(2048, true);
      HuggingFaceFiles damaged =
          new HuggingFaceFiles(
              Map.of(
                  "tokenizer.json",
                  new String(files.tokenizer(), UTF_8)
                      .replace("\"content\": \"▁\"", "\"content\": \"_\"")
                      .getBytes(UTF_8)),
              files.roles());
      assertThatExceptionOfType(UserException.class)
          .isThrownBy(
              () ->
                  new TokenizerComparison(model, Map.of())
                      .requireSame(tokenizer::encode, tokenizer::decode, damaged))
          .withMessageStartingWith(
              FOLDER + "bpe_user_symbols.model: in transformers the tokenizer would have other ids")
          .withMessageEndingWith("). Use --no-checking to write it all the same.");
    }
  }

  private static Tokenizer open(String model, String type) {
    return Tokenizers.open(
        new TokenizerConfig(type, Path.of(FOLDER + model + ".model"), null, 0, true, 1));
  }
}
