package io.tanuki4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts that go through the library in parts. */
class LongTextTest {
  private static final int LENGTH = 400;

  /** Where two divisions have the same score, the rounding of the sum before them decides. */
  private static final int MAX_TIES = 1;

  private static final SentencePieceCodec CODEC =
      new SentencePieceCodec(SentencePieceModel.read(BundledCorpus.MODEL));

  @AfterAll
  static void close() {
    CODEC.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"ja", "en"})
  void parts_give_the_ids_of_the_whole(String language) throws IOException {
    int ties = 0;
    for (String document : BundledCorpus.documents(language)) {
      String text = document.substring(0, Math.min(LENGTH, document.length()));
      int[] whole = CODEC.encode(text);
      int[] parts = CODEC.encodeInParts(text, 50);
      assertThat(parts).as(text).hasSameSizeAs(whole);
      ties += Arrays.equals(parts, whole) ? 0 : 1;
    }
    assertThat(ties).isLessThanOrEqualTo(MAX_TIES);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
        "It was a bright cold day in April, and the clocks were striking thirteen.",
      })
  void texts_of_either_script_can_be_cut(String text) {
    TextCuts cuts = new TextCuts(CODEC.model());
    assertThat(cuts.next(text, 1)).isLessThan(text.length() - 1);
    assertThat(CODEC.encodeInParts(text, 1)).isEqualTo(CODEC.encode(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "aa", "a a", "a  b", " a b ", "a b\u0301", "\n\n", "😀😀 😀"})
  void short_and_odd_texts_keep_their_ids(String text) {
    assertThat(CODEC.encodeInParts(text, 1)).isEqualTo(CODEC.encode(text));
  }

  @Test
  void a_text_that_cannot_be_cut_goes_whole() {
    assertThat(new TextCuts(CODEC.model()).next("the".repeat(9), 1)).isEqualTo(27);
  }
}
