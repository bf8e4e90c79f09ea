package io.tanuki4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.util.Collections;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizersTest {
  @ParameterizedTest
  @CsvSource({
    "GPTSentencePieceTokenizer, false, _GPTSentencePieceTokenizer",
    "SentencePieceTokenizer, false, _GPTSentencePieceTokenizer",
    "Llama2Tokenizer, true, _Llama2Tokenizer"
  })
  void plain_models_end_documents_with_their_eos(String type, boolean legacy, String identity) {
    try (Tokenizer tokenizer = Tokenizers.open(BundledCorpus.config(type, 0, legacy))) {
      assertThat(tokenizer.vocabSize()).isEqualTo(8000);
      assertThat(tokenizer.eodId()).isEqualTo(2);
      assertThat(tokenizer.cacheIdentity().toString())
          .isEqualTo(
              "{class=%s, tokenizer_path=[%s], vocab_extra_ids=0}"
                  .formatted(identity, BundledCorpus.MODEL));
      assertThat(tokenizer.decode(tokenizer.encode(" <EOD> text "))).isEqualTo(" <EOD> text ");
    }
  }

  @Test
  void plain_models_read_special_tokens_as_text() {
    try (Tokenizer gpt =
        Tokenizers.open(BundledCorpus.config("GPTSentencePieceTokenizer", 0, true))) {
      assertThat(gpt.encode("<EOD>")).hasSizeGreaterThan(1).doesNotContain(6);
    }
  }

  @Test
  void llama2_begins_every_text_with_bos() {
    try (Tokenizer llama = Tokenizers.open(BundledCorpus.config("Llama2Tokenizer", 0, true))) {
      assertThat(llama.encode("a")).containsExactly(1, 276);
      assertThat(llama.encode("")).containsExactly(1);
    }
  }

  @Test
  void the_null_tokenizer_has_one_id_more_than_its_number() {
    try (Tokenizer none = Tokenizers.open(nullTokenizer(512))) {
      assertThat(none.vocabSize()).isEqualTo(513);
      assertThat(none.eodId()).isEqualTo(512);
      assertThat(none.encode(" 5  0 512\n")).containsExactly(5, 0, 512);
      assertThat(none.encode("")).isEmpty();
      assertThat(none.decode(new int[] {5, 0, 512})).isEqualTo("5 0 512");
      assertThat(none.pieces()).hasSize(513).endsWith("512");
      assertThat(none.cacheIdentity())
          .containsEntry("tokenizer_path", Collections.singletonList(null))
          .hasToString("{class=_NullTokenizer, tokenizer_path=[null], vocab_size=512}");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"5 x", "5 513", "-1", "1.5", "99999999999"})
  void the_null_tokenizer_refuses_what_is_no_id(String text) {
    try (Tokenizer none = Tokenizers.open(nullTokenizer(512))) {
      assertThatExceptionOfType(UserException.class).isThrownBy(() -> none.encode(text));
    }
  }

  @Test
  void options_that_do_not_fit_are_refused() {
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> TokenizerType.named("Tiktoken"))
        .withMessageStartingWith(
            "--tokenizer-type: Tiktoken (expected: one of SentencePieceTokenizer, ");
    assertRefused(
        new TokenizerConfig("SentencePieceTokenizer", null, null, 0, true, 128),
        "--tokenizer-model: not given");
    assertRefused(
        BundledCorpus.config("Llama2Tokenizer", 3, true), "--vocab-extra-ids: 3 (expected: 0");
    assertRefused(nullTokenizer(null), "--vocab-size: not given");
    assertRefused(nullTokenizer(0), "--vocab-size: 0");
  }

  private static void assertRefused(TokenizerConfig config, String beginning) {
    assertThatThrownBy(() -> Tokenizers.open(config)).hasMessageStartingWith(beginning);
  }

  private static TokenizerConfig nullTokenizer(@Nullable Integer vocabSize) {
    return new TokenizerConfig("NullTokenizer", null, vocabSize, 0, true, 128);
  }
}
