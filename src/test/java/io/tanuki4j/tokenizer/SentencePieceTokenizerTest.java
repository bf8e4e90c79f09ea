package io.tanuki4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The wrapper with special tokens. */
class SentencePieceTokenizerTest {
  private static final int EOD = 6;
  private static final Tokenizer TOKENIZER =
      Tokenizers.open(BundledCorpus.config("SentencePieceTokenizer", 0, true));

  @TempDir private Path folder;

  @AfterAll
  static void close() {
    TOKENIZER.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "  leading",
        "trailing  ",
        "two  blanks and　an ideographic one",
        "\n\n lines\r\n\tand tabs\n",
        "emoji 😀👩‍👩‍👧‍👦🇯🇵 and 𠮷野家",
        "nul \0 and \u0001",
        "e\u0301 é ﾊﾝｶｸ Ａ",
        "< EOD> <<EOD >"
      })
  void plain_text_survives_encoding_and_decoding(String text) {
    assertThat(TOKENIZER.decode(TOKENIZER.encode(text))).isEqualTo(text);
  }

  @Test
  void documents_end_with_EOD_and_the_models_own_specials_add_no_id() {
    assertThat(TOKENIZER.vocabSize()).isEqualTo(8000);
    assertThat(TOKENIZER.eodId()).isEqualTo(EOD);
  }

  @Test
  void special_tokens_split_a_text_into_texts_of_their_own() {
    int[] a = TOKENIZER.encode("a");
    int[] b = TOKENIZER.encode("b ");
    assertThat(TOKENIZER.encode("a<EOD>b <s>"))
        .isEqualTo(Ids.concatenate(List.of(a, new int[] {EOD}, b, new int[] {1})));
    assertThat(TOKENIZER.encode("<<pad>")).endsWith(3).hasSizeGreaterThan(1);
  }

  @Test
  void decoding_puts_special_tokens_between_blanks() {
    assertThat(TOKENIZER.decode(TOKENIZER.encode("a<EOD>b"))).isEqualTo("a <EOD> b");
    assertThat(TOKENIZER.decode(new int[] {EOD, EOD})).isEqualTo(" <EOD>  <EOD> ");
  }

  @Test
  void extra_ids_follow_the_model() {
    try (Tokenizer extra =
        Tokenizers.open(BundledCorpus.config("SentencePieceTokenizer", 12, true))) {
      assertThat(extra.vocabSize()).isEqualTo(8012);
      assertThat(extra.encode("<extra_id_11><extra_id_1>")).containsExactly(8011, 8001);
      assertThat(extra.pieces().subList(7999, 8002)).contains("<extra_id_0>", "<extra_id_1>");
      assertThat(extra.cacheIdentity().toString())
          .isEqualTo(
              "{class=_SentencePieceTokenizer, tokenizer_path=[%s], vocab_extra_ids=12}"
                  .formatted(BundledCorpus.MODEL));
    }
  }

  @Test
  void tokens_that_the_model_lacks_are_added_in_megatrons_order() throws IOException {
    Path file = renamed("<SEP>", "<SEQ>", "<EOD>", "<EOE>", "<s>", "<t>", "<pad>", "<pae>");
    try (Tokenizer added =
        Tokenizers.open(new TokenizerConfig("SentencePieceTokenizer", file, null, 1, true, 128))) {
      assertThat(added.pieces().subList(8000, added.vocabSize()))
          .containsExactly("<SEP>", "<EOD>", "<PAD>", "<BOS>", "<extra_id_0>");
      assertThat(added.eodId()).isEqualTo(8001);
      assertThat(added.encode("<EOD><BOS>")).containsExactly(8001, 8003);
      assertThat(added.decode(new int[] {8001, 276})).isEqualTo(" <EOD> a");
    }
  }

  /** Expected values are those of Megatron-LM core_v0.12.3 with the same renamed model. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "吾輩<EOD>は猫|268 1305 8001 268 286 572|吾輩 <EOD> は猫",
        "a <s> b</s>|276 268 69 271 71 1133 2|a <s> b </s> ",
        "<MASK><CLS> 😀|7 4 268 268 249 168 161 137| <MASK>  <CLS>  😀",
        "x<PAD><BOS>y|268 1388 8002 8003 268 350|x <PAD>  <BOS> y",
        "<extra_id_1>z|8005 268 1146| <extra_id_1> z",
        "<<EOD>>|268 69 8001 268 71|< <EOD> >"
      })
  void special_tokens_become_what_megatron_makes_of_them(String text, String ids, String decoded)
      throws IOException {
    Path file = renamed("<SEP>", "<SEQ>", "<EOD>", "<EOE>", "<s>", "<t>", "<pad>", "<pae>");
    try (Tokenizer added =
        Tokenizers.open(new TokenizerConfig("SentencePieceTokenizer", file, null, 2, true, 128))) {
      int[] expected = Arrays.stream(ids.split(" ", -1)).mapToInt(Integer::parseInt).toArray();
      assertThat(added.encode(text)).isEqualTo(expected);
      assertThat(added.decode(expected)).isEqualTo(decoded);
    }
  }

  @Test
  void of_two_tokens_at_one_place_the_earlier_one_wins() {
    SpecialTokenSearch search =
        new SpecialTokenSearch(new TreeMap<>(Map.of("ab", 1, "abc", 2, "c", 3)));
    assertThat(search.in("xabc"))
        .containsExactly(
            new SpecialTokenSearch.Match(1, 1, 3), new SpecialTokenSearch.Match(3, 3, 4));
  }

  @Test
  void many_threads_may_share_it() {
    List<String> texts = IntStream.range(0, 400).mapToObj(i -> "テキスト text " + i).toList();
    List<int[]> expected = texts.stream().map(TOKENIZER::encode).toList();
    List<int[]> actual = texts.parallelStream().map(TOKENIZER::encode).toList();
    assertThat(actual).usingRecursiveComparison().isEqualTo(expected);
  }

  @Test
  void foreign_ids_and_broken_text_are_refused() {
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> TOKENIZER.decode(new int[] {5, 8000}))
        .withMessage(
            "token 1 of the text: id 8000 (expected: 0 to 7999, an id of this tokenizer).");
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> TOKENIZER.decode(new int[] {-1}));
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> TOKENIZER.encode("a\ud800b"))
        .withMessage(
            "character 1 of the text is U+D800, half of a surrogate pair (expected: Unicode text).");
  }

  @Test
  void use_after_close_is_an_error_and_not_a_crash() {
    Tokenizer closed = Tokenizers.open(BundledCorpus.config("SentencePieceTokenizer", 0, true));
    closed.close();
    closed.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> closed.encode("a"))
        .withMessageEndingWith("is closed");
  }

  @Test
  void a_model_that_the_library_refuses_is_named() throws IOException {
    Path file = renamed("<SEP>", "<CLS>");
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(
            () ->
                Tokenizers.open(
                    new TokenizerConfig("SentencePieceTokenizer", file, null, 0, true, 128)))
        .withMessage(
            "%s: SentencePiece refuses this model (<CLS> is already defined). Give the .model file"
                + " that spm_train wrote.",
            file);
  }

  /** The bundled model with the first occurrences of texts, its pieces, renamed. */
  private Path renamed(String... fromTo) throws IOException {
    String model = Files.readString(BundledCorpus.MODEL, StandardCharsets.ISO_8859_1);
    for (int i = 0; i < fromTo.length; i += 2) {
      int at = model.indexOf(fromTo[i]);
      model = model.substring(0, at) + fromTo[i + 1] + model.substring(at + fromTo[i].length());
    }
    return Files.writeString(folder.resolve("renamed.model"), model, StandardCharsets.ISO_8859_1);
  }
}
