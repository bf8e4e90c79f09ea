package io.tanuki4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tokenizer.SentencePieceModel.Algorithm;
import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Normalizer;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import io.tanuki4j.tokenizer.SentencePieceModel.Trainer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SentencePieceDecoderTest {
  private static final int BYTE_0 = 9;
  private static final int BLANK_A = 276; // ▁a
  private static final SentencePieceDecoder BUNDLED =
      new SentencePieceDecoder(SentencePieceModel.read(BundledCorpus.MODEL));

  /** Expected texts are those of SentencePiece's own decoder, 0.2.3. */
  @ParameterizedTest
  @CsvSource({
    "E3 81 82, あ",
    "F0 9F 98 80, 😀",
    "E3 81, \ufffd\ufffd",
    "FF FE, \ufffd\ufffd",
    "F0 9F 98 41, \ufffd\ufffd\ufffdA",
    "ED A0 80, \ufffd\ufffd\ufffd",
    "C0 80, \ufffd\ufffd",
    "F4 90 80 80, \ufffd\ufffd\ufffd\ufffd",
    "E0 80 80, \ufffd\ufffd\ufffd"
  })
  void bytes_that_form_no_character_become_one_replacement_each(String hex, String text) {
    int[] ids =
        Arrays.stream(hex.split(" ", -1)).mapToInt(b -> BYTE_0 + Integer.parseInt(b, 16)).toArray();
    assertThat(decode(BUNDLED, ids)).isEqualTo(text);
  }

  @Test
  void the_first_blank_goes_and_no_other() {
    assertThat(decode(BUNDLED, BLANK_A, BLANK_A)).isEqualTo("a a");
    assertThat(decode(BUNDLED, 268, 268, BLANK_A)).isEqualTo("  a");
    assertThat(decode(BUNDLED, 4, 268, BLANK_A)).as("control first").isEqualTo(" a");
    assertThat(decode(BUNDLED, 8, BLANK_A)).as("newline first").isEqualTo("\n a");
    assertThat(decode(BUNDLED, BYTE_0 + 32, BLANK_A)).as("byte first").isEqualTo("  a");
  }

  @Test
  void control_pieces_show_nothing_and_the_unknown_piece_its_sign() {
    assertThat(decode(BUNDLED, 1, BLANK_A, 2)).isEqualTo("a");
    assertThat(decode(BUNDLED, 3, 0, 0)).isEqualTo(" \u2047  \u2047 ");
  }

  @Test
  void models_that_add_no_blank_lose_none() {
    assertThat(decode(small(false, false), 0, 0)).isEqualTo(" a a");
  }

  @Test
  void models_that_remove_extra_blanks_lose_all_leading_ones() {
    assertThat(decode(small(true, true), 1, 1, 0, 1)).isEqualTo("a ");
  }

  private static SentencePieceDecoder small(boolean addsBlank, boolean removesBlanks) {
    List<Piece> pieces =
        List.of(new Piece("\u2581a", 0, Kind.NORMAL), new Piece("\u2581", 0, Kind.NORMAL));
    return new SentencePieceDecoder(
        new SentencePieceModel(
            Path.of("small.model"),
            new byte[0],
            pieces,
            new Trainer(Algorithm.UNIGRAM, false, false, "?", "<s>", "</s>", "<pad>"),
            new Normalizer("", new byte[0], addsBlank, removesBlanks, true)));
  }

  private static String decode(SentencePieceDecoder decoder, int... ids) {
    return decoder.decode(ids, 0, ids.length);
  }
}
