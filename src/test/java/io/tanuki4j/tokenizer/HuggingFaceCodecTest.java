package io.tanuki4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tanuki4j.error.UserException;
import org.junit.jupiter.api.Test;

class HuggingFaceCodecTest {
  /** Letters, a blank and a character of four bytes in UTF-8; one merge. */
  private static final String SMALL =
      """
      {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
       "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
       "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
         "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
         "vocab": {"a": 0, "b": 1, " ": 2, "\\ud83d\\ude00": 3, "ab": 4}, "merges": [["a", "b"]]}}
      """;

  @Test
  void texts_become_ids_and_come_back() {
    try (HuggingFaceCodec codec = codec(SMALL)) {
      assertThat(codec.encode("ab ba😀")).containsExactly(4, 2, 1, 0, 3);
      assertThat(codec.decode(new int[] {4, 2, 1, 0, 3})).isEqualTo("ab ba😀");
      assertThat(codec.encode("")).isEmpty();
    }
  }

  @Test
  void long_texts_are_not_cut() {
    try (HuggingFaceCodec codec = codec(SMALL)) {
      assertThat(codec.encode("ab ".repeat(5000))).hasSize(10_000);
    }
  }

  @Test
  void half_of_a_surrogate_pair_is_refused() {
    try (HuggingFaceCodec codec = codec(SMALL)) {
      assertThatExceptionOfType(UserException.class)
          .isThrownBy(() -> codec.encode("ab\ud83d"))
          .withMessage(
              "character 2 of the text is U+D83D, half of a surrogate pair (expected: Unicode text).");
    }
  }

  @Test
  void a_damaged_file_is_refused_with_its_name() {
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> codec("{\"version\": \"1.0\""))
        .withMessageStartingWith("small.json: Hugging Face's tokenizers library refuses it (")
        .withMessageEndingWith("). Give a tokenizer.json as transformers writes it.");
  }

  @Test
  void a_closed_one_is_not_used() {
    HuggingFaceCodec codec = codec(SMALL);
    codec.close();
    codec.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> codec.encode("a"))
        .withMessage("the tokenizer of small.json is closed");
  }

  private static HuggingFaceCodec codec(String json) {
    return new HuggingFaceCodec("small.json", json.getBytes(UTF_8));
  }
}
