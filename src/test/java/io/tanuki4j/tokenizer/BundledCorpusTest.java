package io.tanuki4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every document that the project ships. */
class BundledCorpusTest {
  private static final Tokenizer TOKENIZER =
      Tokenizers.open(BundledCorpus.config("GPTSentencePieceTokenizer", 0, false));

  @AfterAll
  static void close() {
    TOKENIZER.close();
  }

  /** The hashes are those of spm_encode's output (0.1.97), as tools/check_spm_ids.sh makes it. */
  @ParameterizedTest
  @CsvSource({
    "ja, 241301, a8c536777dbf83d31f606683f3358746f776723396155a7b48a675c689afe01f",
    "en, 390234, b06cc2fcbdbf8e5534a264772d3bc27d5aaa296df8551a30ad770c0fe18e0164"
  })
  void ids_equal_those_of_spm_encode(String language, long numIds, String sha256)
      throws IOException, NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    long count = 0;
    for (String document : BundledCorpus.documents(language)) {
      int[] ids = TOKENIZER.encode(document);
      count += ids.length;
      String line = Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" "));
      digest.update((line + "\n").getBytes(StandardCharsets.UTF_8));
    }
    assertThat(count).isEqualTo(numIds);
    assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo(sha256);
  }

  @ParameterizedTest
  @CsvSource({"ja", "en"})
  void every_document_survives_encoding_and_decoding(String language) throws IOException {
    assertThat(BundledCorpus.documents(language))
        .allSatisfy(text -> assertThat(TOKENIZER.decode(TOKENIZER.encode(text))).isEqualTo(text));
  }

  @Test
  void the_legacy_rule_changes_no_id_of_plain_text() throws IOException {
    try (Tokenizer legacy =
        Tokenizers.open(BundledCorpus.config("SentencePieceTokenizer", 0, true))) {
      assertThat(BundledCorpus.documents("ja"))
          .allSatisfy(
              text -> {
                assertThat(legacy.encode(text)).isEqualTo(TOKENIZER.encode(text));
                assertThat(legacy.decode(legacy.encode(text))).isEqualTo(text);
              });
    }
  }
}
